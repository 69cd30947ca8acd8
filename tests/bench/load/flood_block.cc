#include "tests/bench/load/flood_block.h"

#define ZLIB_CONST
#include <zlib.h>

#include <array>

#include "tests/bench/wire/die.h"
#include "tests/bench/wire/frame_reader.h"

namespace upgate::bench {
namespace {

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kBombSize = 1'000'000;
constexpr std::byte kRsv1{0x40};

// A masked frame; the mask is not zero, so that the gateway must unmask.
std::string Frame(std::uint8_t opcode, const std::string& payload) {
  FrameHeader frame{.opcode = opcode, .fin = true, .masked = true, .length = payload.size()};
  frame.mask = {std::byte{0x12}, std::byte{0x34}, std::byte{0x56}, std::byte{0x78}};
  std::array<std::byte, kMaxHeader> header;
  std::string bytes;
  Append(bytes, Bytes(header).first(WriteHeader(frame, header.data())));
  const std::size_t header_size = bytes.size();
  bytes += payload;
  const auto masked = std::as_writable_bytes(std::span(bytes)).subspan(header_size);
  Unmask(masked, frame, 0, masked.data());
  return bytes;
}

// RFC 7692, section 7.2.1: raw deflate, flushed, without the final empty block.
std::string Deflated(const std::string& plain) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -12, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    Die("deflateInit2 failed");
  }
  std::string out(deflateBound(&stream, plain.size()) + 16, '\0');
  stream.next_in = reinterpret_cast<const Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_SYNC_FLUSH) != Z_OK || stream.avail_in != 0) Die("deflate failed");
  out.resize(stream.total_out - 4);
  deflateEnd(&stream);
  return out;
}

std::string Bomb() {
  std::string frame = Frame(kBinary, Deflated(std::string(kBombSize, '\0')));
  frame[0] = static_cast<char>(std::byte(frame[0]) | kRsv1);
  return frame;
}

std::string Unit(std::string_view kind, const std::string& path) {
  if (kind == "empty") return Frame(kBinary, {});
  if (kind == "small") return Frame(kBinary, std::string(64, 'x'));
  if (kind == "bombs") return Bomb();
  if (kind == "pings") return Frame(kPing, std::string(125, 'x'));
  if (kind == "http") return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Die("no such flood: " + std::string(kind));
}

}  // namespace

FloodBlock::FloodBlock(std::string_view kind, const std::string& path)
    : websocket_(kind != "http"), compressed_(kind == "bombs") {
  const std::string unit = Unit(kind, path);
  unit_size_ = unit.size();
  std::string block;
  while (block.size() + unit_size_ <= kBlock) block += unit;
  const Bytes bytes = AsBytes(block);
  bytes_.assign(bytes.begin(), bytes.end());
}

}  // namespace upgate::bench
