// The frame walker: splits must not change its counts. Where the decoder finds no error, the walker
// must not either, and must have counted what the decoder returned. Input: a byte of settings, a
// seed for the splits, the wire.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ws/frame.h"
#include "gateway/ws/frame_walker.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::ws {
namespace {

using fuzz::Require;

struct Walk {
  FrameTally tally;
  std::vector<std::uint64_t> messages;
  std::string passed;
  const ProtocolError* error = nullptr;
  std::optional<Close> close;
  std::uint64_t frame_left = 0;
};

Walk WalkOver(std::string_view wire, Role role, std::uint64_t max_message, fuzz::Cuts cuts) {
  Walk walk;
  FrameWalker walker(role, max_message);
  while (!wire.empty() && walk.error == nullptr) {
    const std::string piece(cuts.TakeFrom(wire));
    const auto walked = walker.Walk(AsBytes(piece), walk.tally,
                                    [&](std::uint64_t size) { walk.messages.push_back(size); });
    Require(walked.passed <= piece.size());
    walk.passed += AsText(walked.kept());
    walk.passed += piece.substr(0, walked.passed);
    walk.error = walked.error;
  }
  if (walker.close() != nullptr) walk.close = *walker.close();
  walk.frame_left = walker.frame_left();
  return walk;
}

void RequireSameTally(const FrameTally& a, const FrameTally& b) {
  Require(a.bytes == b.bytes && a.frames == b.frames);
  Require(a.text_messages == b.text_messages && a.binary_messages == b.binary_messages);
  Require(a.pings == b.pings && a.pongs == b.pongs && a.closes == b.closes);
}

void RequireSameClose(const std::optional<Close>& a, const std::optional<Close>& b) {
  Require(a.has_value() == b.has_value());
  if (a) Require(a->code == b->code && a->reason == b->reason);
}

void CompareWalks(const Walk& whole, const Walk& cut) {
  RequireSameTally(whole.tally, cut.tally);
  RequireSameClose(whole.close, cut.close);
  Require(whole.messages == cut.messages && whole.error == cut.error);
  Require(whole.passed == cut.passed && whole.frame_left == cut.frame_left);
}

// What an endpoint saw of the same wire up to the first Close; nothing if it found an error, or
// ended inside a frame.
struct Decoded {
  FrameTally tally;
  std::vector<std::uint64_t> messages;
  std::optional<Close> close;
};

std::optional<Decoded> Decode(std::string wire, Role role, std::uint64_t max_message) {
  Decoded decoded;
  FrameDecoder decoder(role, max_message);
  MutableBytes input = std::as_writable_bytes(std::span(wire));
  std::string close_body;
  std::uint64_t message = 0;
  bool in_frame = false;
  for (;;) {
    const auto part = decoder.Next(input);
    if (!part) return std::nullopt;
    if (!*part) break;
    const FramePart& p = **part;
    in_frame = !p.frame_end;
    FrameTally& tally = decoded.tally;
    if (p.opcode == Opcode::kPing) tally.pings += p.frame_begin;
    if (p.opcode == Opcode::kPong) tally.pongs += p.frame_begin;
    if (p.opcode == Opcode::kClose) {
      tally.closes += p.frame_begin;
      Append(close_body, p.payload);
      if (!p.frame_end) continue;
      const auto close = ParseClose(AsBytes(close_body));
      decoded.close =
          close ? *close : Close{close.error().close_code, std::string(close.error().reason)};
      return decoded;
    }
    if (IsControl(p.opcode)) continue;
    tally.frames += p.frame_begin;
    tally.bytes += p.payload.size();
    message += p.payload.size();
    if (!p.message_end) continue;
    ++(p.opcode == Opcode::kText ? tally.text_messages : tally.binary_messages);
    decoded.messages.push_back(std::exchange(message, 0));
  }
  if (in_frame) return std::nullopt;
  return decoded;
}

void RunOne(std::uint8_t settings, std::uint8_t cut, std::string_view wire) {
  const Role role = (settings & 1) != 0 ? Role::kClient : Role::kServer;
  const std::uint64_t limits[] = {~std::uint64_t{0}, 1 << 20, 200, 5};
  const std::uint64_t max_message = limits[settings >> 1 & 3];
  const Walk whole = WalkOver(wire, role, max_message, fuzz::Cuts(0));
  Require(whole.tally.bytes <= wire.size() && wire.starts_with(whole.passed));
  CompareWalks(whole, WalkOver(wire, role, max_message, fuzz::Cuts(cut + 1u)));
  const auto decoded = Decode(std::string(wire), role, max_message);
  if (!decoded) return;
  Require(whole.error == nullptr && whole.messages == decoded->messages);
  // The walker counts a header before its payload; code that looks at parts does not yet.
  const bool keeps_partial_close = whole.tally.closes > 0 && !whole.close;
  if (whole.frame_left > 0 || keeps_partial_close) return;
  RequireSameTally(whole.tally, decoded->tally);
  RequireSameClose(whole.close, decoded->close);
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const std::uint8_t settings = input.Byte();
  const std::uint8_t cut = input.Byte();
  upgate::ws::RunOne(settings, cut, input.Rest());
  return 0;
}
