// Bytes to frames and back: data of a backend reaches the client's decoder unchanged, however reads
// are split, and base64 in pieces is as strict as base64 in one. Input: a byte for the encoding, a
// seed for the splits, the bytes.

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/base64.h"
#include "gateway/ws/frame.h"
#include "gateway/ws/tunnel_encoding.h"
#include "gateway/ws/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::ws {
namespace {

using config::Encoding;
using fuzz::Require;

constexpr Encoding kEncodings[] = {Encoding::kBinary, Encoding::kText, Encoding::kBase64};

struct Passed {
  std::string bytes;
  std::optional<std::uint16_t> error;
};

// The content of one frame of the packer: a complete, correctly encoded message.
std::string Unpacked(Bytes frame, Encoding encoding, FrameUnpacker& unpacker) {
  std::string copy(AsText(frame));
  MutableBytes input = std::as_writable_bytes(std::span(copy));
  FrameDecoder decoder(Role::kClient, 1 << 20);
  const auto part = decoder.Next(input);
  Require(part && *part && input.empty());
  Require((*part)->message_begin && (*part)->message_end);
  Require((*part)->opcode == (encoding == Encoding::kBinary ? Opcode::kBinary : Opcode::kText));
  std::string scratch;
  const auto bytes = unpacker.Unpack(**part, scratch);
  Require(bytes.has_value());
  return std::string(AsText(*bytes));
}

Passed FromBackend(std::string_view sent, Encoding encoding, fuzz::Cuts cuts) {
  Passed passed;
  FramePacker packer(encoding);
  FrameUnpacker unpacker(encoding);
  std::string scratch;
  while (!sent.empty()) {
    const std::string_view piece = cuts.TakeFrom(sent);
    std::vector<std::byte> buffer(FramePacker::kHeadroom + piece.size());
    const MutableBytes data = MutableBytes(buffer).subspan(FramePacker::kHeadroom);
    std::ranges::copy(AsBytes(piece), data.begin());
    const auto frame = packer.Pack(data, scratch);
    if (!frame) {
      passed.error = frame.error().close_code;
      return passed;
    }
    if (!frame->empty()) passed.bytes += Unpacked(*frame, encoding, unpacker);
  }
  if (const auto end = packer.Finish(); !end) passed.error = end.error().close_code;
  return passed;
}

void CheckFromBackend(std::string_view sent, Encoding encoding, std::uint8_t cut) {
  const Passed whole = FromBackend(sent, encoding, fuzz::Cuts(0));
  const Passed pieces = FromBackend(sent, encoding, fuzz::Cuts(cut + 1u));
  Require(whole.error == pieces.error && pieces.bytes.starts_with(whole.bytes));
  if (!whole.error) Require(whole.bytes == sent && pieces.bytes == sent);
  Require(sent.starts_with(pieces.bytes));
  if (encoding != Encoding::kText) return Require(!whole.error);
  Utf8Checker checker;
  Require(whole.error.has_value() != (checker.Feed(AsBytes(sent)) && checker.complete()));
}

// One text message in parts, as a client may send it.
Passed FromClient(std::string text, fuzz::Cuts cuts) {
  Passed passed;
  FrameUnpacker unpacker(Encoding::kBase64);
  MutableBytes rest = std::as_writable_bytes(std::span(text));
  bool begun = false;
  while (!begun || !rest.empty()) {
    FramePart part;
    part.opcode = Opcode::kText;
    part.message_begin = !std::exchange(begun, true);
    part.payload = rest.empty() ? rest : cuts.TakeFrom(rest);
    part.message_end = rest.empty();
    std::string scratch;
    const auto bytes = unpacker.Unpack(part, scratch);
    if (!bytes) {
      passed.error = bytes.error().close_code;
      return passed;
    }
    Require(scratch.size() <= FrameUnpacker::ScratchSize(part.payload.size()));
    Append(passed.bytes, *bytes);
  }
  return passed;
}

void CheckBase64(std::string_view text, std::uint8_t cut) {
  const auto plain = Base64Decode(text);
  if (plain) Require(Base64Encode(AsBytes(*plain)) == text);
  for (const std::uint32_t seed : {0u, cut + 1u}) {
    const Passed passed = FromClient(std::string(text), fuzz::Cuts(seed));
    Require(passed.error.has_value() == !plain);
    if (plain) Require(passed.bytes == *plain);
  }
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const auto encoding = upgate::ws::kEncodings[input.Choose(3)];
  const std::uint8_t cut = input.Byte();
  const std::string_view bytes = input.Rest();
  upgate::ws::CheckFromBackend(bytes, encoding, cut);
  upgate::ws::CheckBase64(bytes, cut);
  return 0;
}
