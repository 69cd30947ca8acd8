// The drafts' frames: splits must not change the meaning of the frames; translated frames must be
// valid for the decoder of RFC 6455; and written frames must be texts that a client of the draft
// can parse, in which no payload looks like the end of a frame. Input: a byte of settings, a seed
// for the splits, the wire.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/ws/hixie_codec.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::ws {
namespace {

using config::Dialect;
using fuzz::Require;

class Masks final : public io::Entropy {
 public:
  void Fill(MutableBytes out) override {
    for (std::byte& byte : out) byte = std::byte{state_ = static_cast<std::uint8_t>(state_ + 101)};
  }

 private:
  std::uint8_t state_ = 0;
};

// What a reader of the frames finally knows.
struct Told {
  std::vector<std::string> texts;
  std::string open;  // of an unfinished text
  std::optional<std::uint16_t> close;
  bool operator==(const Told&) const = default;
};

// Reads like an endpoint; nothing if the text is not UTF-8, which only the reader detects.
std::optional<Told> Read(std::string frames) {
  Told told;
  FrameDecoder decoder(Role::kServer, 1 << 30);
  MutableBytes rest = std::as_writable_bytes(std::span(frames));
  while (true) {
    const auto part = decoder.Next(rest);
    if (!part) {
      Require(part.error().close_code == close_code::kInvalidPayload);
      return {};
    }
    if (!*part) break;
    Require(!told.close);  // nothing follows the Close
    if ((*part)->opcode == Opcode::kClose) {
      const auto close = ParseClose((*part)->payload);
      Require(close.has_value() && (*part)->frame_begin && (*part)->frame_end);
      told.close = close->code;
      continue;
    }
    Require((*part)->opcode == Opcode::kText);
    Append(told.open, (*part)->payload);
    if ((*part)->message_end) told.texts.push_back(std::exchange(told.open, {}));
  }
  return told;
}

std::string Decode(std::string_view wire, Dialect dialect, bool end, fuzz::Cuts cuts) {
  Masks masks;
  HixieDecoder decoder(dialect, masks);
  std::string frames;
  while (!wire.empty()) {
    const std::string piece(cuts.TakeFrom(wire));
    const std::size_t before = frames.size();
    decoder.Decode(AsBytes(piece), frames);
    // At most an empty frame for every two bytes; otherwise the input, and one more header.
    Require(frames.size() - before <= 3 * piece.size() + 2 + kMaxHeader + kMaxControlPayload);
  }
  if (end) decoder.End(frames);
  return frames;
}

void FromTheClient(std::string_view wire, Dialect dialect, bool end, std::uint32_t seed) {
  const auto whole = Read(Decode(wire, dialect, end, fuzz::Cuts(0)));
  const auto cut = Read(Decode(wire, dialect, end, fuzz::Cuts(seed)));
  Require(whole == cut);
}

struct Written {
  std::string wire;
  std::uint16_t error = 0;
  bool ended = false;
  bool told = false;
};

Written Encode(std::string_view frames, Dialect dialect, fuzz::Cuts cuts) {
  Written written;
  HixieEncoder encoder(dialect);
  while (!frames.empty()) {
    std::string piece(cuts.TakeFrom(frames));
    const std::size_t before = written.wire.size();
    const auto encoded = encoder.Encode(std::as_writable_bytes(std::span(piece)), written.wire);
    Require(!written.ended || (written.wire.size() == before && !encoded.ended));
    if (encoded.error != nullptr) {
      Require(written.error == 0);
      written.error = encoded.error->close_code;
    }
    if (encoded.ping) Require(encoded.ping->size() <= kMaxControlPayload);
    written.ended |= encoded.ended;
    written.told |= encoded.told;
  }
  return written;
}

// A client of the draft sees texts, possibly an unfinished one, and then possibly the closing
// handshake.
void CheckWire(std::string_view wire, const Written& written) {
  if (written.told) {
    Require(wire.ends_with(std::string_view("\xff\0", 2)));
    wire.remove_suffix(2);
  }
  while (!wire.empty()) {
    Require(wire[0] == '\0');
    const std::size_t end = wire.find('\xff');
    const std::string_view text = wire.substr(1, end - 1);
    Utf8Checker utf8;
    Require(utf8.Feed(AsBytes(text)));
    if (end == std::string::npos) return Require(!written.told);
    Require(utf8.complete());
    wire.remove_prefix(end + 1);
  }
}

void ToTheClient(std::string_view frames, Dialect dialect, std::uint32_t seed) {
  const Written whole = Encode(frames, dialect, fuzz::Cuts(0));
  const Written cut = Encode(frames, dialect, fuzz::Cuts(seed));
  CheckWire(whole.wire, whole);
  CheckWire(cut.wire, cut);
  Require(whole.error == cut.error && whole.ended == cut.ended && whole.told == cut.told);
  // With short writes, the beginning of an invalid text is sent.
  Require(whole.error != 0 ? cut.wire.starts_with(whole.wire) : cut.wire == whole.wire);
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const std::uint8_t settings = input.Byte();
  const auto dialect = (settings & 1) != 0 ? config::Dialect::kHixie75 : config::Dialect::kHixie76;
  const std::uint32_t seed = input.Byte();
  if ((settings & 2) != 0) {
    ws::ToTheClient(input.Rest(), dialect, seed);
  } else {
    ws::FromTheClient(input.Rest(), dialect, (settings & 4) != 0, seed);
  }
  return 0;
}
