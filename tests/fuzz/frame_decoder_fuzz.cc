// The frame decoder: its output must not depend on how the wire is split into reads. Input: a byte
// of settings, a seed for the splits, the wire.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ws/frame.h"
#include "gateway/ws/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::ws {
namespace {

using fuzz::Require;

struct Message {
  Opcode opcode;
  bool compressed;
  std::string payload;
  bool whole;
};

struct Outcome {
  std::vector<Message> messages;  // control frames are separate messages, reported when they begin
  std::optional<ProtocolError> error;
};

// Open messages: at most one data message and one control frame.
class Collector {
 public:
  void Add(const FramePart& part, std::vector<Message>& messages) {
    std::optional<std::size_t>& open = IsControl(part.opcode) ? control_ : data_;
    Require(part.message_begin == !open.has_value());
    Require(!part.message_end || part.frame_end);
    if (!open) {
      open = messages.size();
      Require(!part.compressed || !IsControl(part.opcode));
      messages.push_back({part.opcode, part.compressed, {}, false});
    }
    Message& message = messages[*open];
    Require(message.opcode == part.opcode && message.compressed == part.compressed);
    message.payload += AsText(part.payload);
    message.whole = part.message_end;
    if (part.message_end) open.reset();
  }

 private:
  std::optional<std::size_t> data_;
  std::optional<std::size_t> control_;
};

struct Settings {
  Role role;
  std::uint64_t max_message;
  Extensions extensions;
};

Outcome Decode(std::string wire, const Settings& settings, fuzz::Cuts cuts) {
  Outcome outcome;
  Collector collector;
  FrameDecoder decoder(settings.role, settings.max_message, settings.extensions);
  MutableBytes rest = std::as_writable_bytes(std::span(wire));
  while (!rest.empty()) {
    MutableBytes input = cuts.TakeFrom(rest);
    for (;;) {
      const auto part = decoder.Next(input);
      if (!part) {
        outcome.error = part.error();
        return outcome;
      }
      if (!*part) break;
      collector.Add(**part, outcome.messages);
    }
    Require(input.empty());
  }
  return outcome;
}

void CompareOutcomes(const Outcome& whole, const Outcome& cut) {
  Require(whole.error.has_value() == cut.error.has_value());
  if (whole.error) {
    Require(whole.error->close_code == cut.error->close_code);
    Require(whole.error->reason == cut.error->reason);
    Require(whole.error->reason.size() <= kMaxControlPayload - 2);
  }
  // With short reads, the part of an invalid text before the wrong byte is reported.
  const std::size_t count = whole.messages.size();
  Require(cut.messages.size() == count || (whole.error && cut.messages.size() == count + 1));
  for (std::size_t i = 0; i < cut.messages.size(); ++i) {
    const Message& b = cut.messages[i];
    if (i >= count) {
      Require(!b.whole && b.opcode == Opcode::kText);
      continue;
    }
    const Message& a = whole.messages[i];
    Require(a.opcode == b.opcode && a.compressed == b.compressed && a.whole == b.whole);
    if (whole.error && !a.whole) {
      Require(b.payload.starts_with(a.payload));
    } else {
      Require(a.payload == b.payload);
    }
  }
}

void CheckText(const Outcome& outcome) {
  for (const Message& message : outcome.messages) {
    if (message.opcode != Opcode::kText || message.compressed) continue;
    Utf8Checker checker;
    Require(checker.Feed(AsBytes(message.payload)));
    Require(!message.whole || checker.complete());
  }
}

void RunOne(std::uint8_t flags, std::uint8_t cut, std::string_view wire) {
  const std::uint64_t limits[] = {~std::uint64_t{0}, 1 << 20, 200, 5};
  const Settings settings{
      .role = (flags & 1) != 0 ? Role::kClient : Role::kServer,
      .max_message = limits[flags >> 1 & 3],
      .extensions = (flags & 8) != 0 ? Extensions::kDeflate : Extensions::kNone};
  const Outcome whole = Decode(std::string(wire), settings, fuzz::Cuts(0));
  CheckText(whole);
  for (const Message& message : whole.messages) {
    Require(!message.compressed || settings.extensions == Extensions::kDeflate);
  }
  CompareOutcomes(whole, Decode(std::string(wire), settings, fuzz::Cuts(cut + 1u)));
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data + 2), size - 2);
  upgate::ws::RunOne(data[0], data[1], wire);
  return 0;
}
