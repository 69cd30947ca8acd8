// The chunk scanner: framing and data are the same however the body is split, and match a simple
// parser of the grammar (RFC 9112, section 7.1). Input: a seed for the splits, whose highest bit
// allows padding, the body up to its trailers.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/chars.h"
#include "gateway/http/chunk_scanner.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::http {
namespace {

using fuzz::Require;
using Padding = ChunkScanner::Padding;

struct Scanned {
  std::string data;
  std::size_t used = 0;  // up to the end of the last chunk's line
  bool ended = false;
  int refused = 0;  // a status
};

Scanned Scan(std::string_view body, Padding padding, fuzz::Cuts cuts) {
  Scanned scanned;
  ChunkScanner scanner(padding);
  while (!body.empty()) {
    const std::string copy(cuts.TakeFrom(body));
    std::string_view piece = copy;
    while (!piece.empty()) {
      const auto segment = scanner.Next(piece);
      if (!segment) {
        Require(!segment.error().reason.empty());
        scanned.refused = segment.error().status;
        return scanned;
      }
      Require(segment->bytes > 0 && segment->bytes <= piece.size());
      if (segment->kind == ChunkScanner::Kind::kData)
        scanned.data += piece.substr(0, segment->bytes);
      scanned.used += segment->bytes;
      piece.remove_prefix(segment->bytes);
      if (segment->kind != ChunkScanner::Kind::kLastChunk) continue;
      scanned.ended = true;
      return scanned;
    }
  }
  return scanned;
}

// The size on a chunk's line without extensions.
std::optional<std::uint64_t> SizeOf(std::string_view line, Padding padding) {
  if (padding == Padding::kAllowed) {
    const std::string_view unpadded = line.substr(0, line.find_last_not_of(" \t") + 1);
    if (line.size() - unpadded.size() > 64) return {};
    line = unpadded;
  }
  if (line.empty() || line.size() > 15) return {};
  std::uint64_t size = 0;
  for (const char c : line) {
    if (HexValue(c) < 0) return {};
    size = size * 16 + static_cast<std::uint64_t>(HexValue(c));
  }
  return size;
}

// The data of a complete body of plain chunks; nothing for anything else.
std::optional<Scanned> ReadPlainly(std::string_view body, Padding padding) {
  Scanned read;
  const std::size_t all = body.size();
  for (;;) {
    const std::size_t end = body.find("\r\n");
    if (end == std::string_view::npos) return {};
    const auto size = SizeOf(body.substr(0, end), padding);
    if (!size) return {};
    body.remove_prefix(end + 2);
    if (*size == 0) break;
    if (body.size() < *size || body.substr(*size, 2) != "\r\n") return {};
    read.data += body.substr(0, *size);
    body.remove_prefix(*size + 2);
  }
  read.used = all - body.size();
  read.ended = true;
  return read;
}

void RunOne(std::uint8_t cut, std::string_view body) {
  const Padding padding = cut >= 0x80 ? Padding::kAllowed : Padding::kRefused;
  const Scanned whole = Scan(body, padding, fuzz::Cuts(0));
  const Scanned pieces = Scan(body, padding, fuzz::Cuts(cut + 1u));
  Require(whole.data == pieces.data && whole.ended == pieces.ended &&
          whole.refused == pieces.refused);
  if (whole.refused == 0) Require(whole.used == pieces.used);
  const auto plain = ReadPlainly(body, padding);
  if (plain) Require(whole.ended && whole.data == plain->data && whole.used == plain->used);
  // Conversely, a body that was accepted as complete contains only plain lines and extensions.
  if (whole.ended && body.substr(0, whole.used).find(';') == std::string_view::npos)
    Require(plain.has_value());
}

}  // namespace
}  // namespace upgate::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const std::uint8_t cut = input.Byte();
  upgate::http::RunOne(cut, input.Rest());
  return 0;
}
