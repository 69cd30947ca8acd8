#include "tests/bench/wire/frame_reader.h"

#include <cstring>

#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

std::uint64_t ReadNumber(Bytes bytes) {
  std::uint64_t number = 0;
  for (const std::byte b : bytes) number = number << 8 | static_cast<std::uint64_t>(b);
  return number;
}

std::size_t LengthSize(std::byte second) {
  switch (static_cast<int>(second & std::byte{0x7f})) {
    case 126:
      return 2;
    case 127:
      return 8;
    default:
      return 0;
  }
}

}  // namespace

std::size_t HeaderSize(std::byte second) {
  return 2 + LengthSize(second) + ((second & std::byte{0x80}) != std::byte{0} ? 4 : 0);
}

FrameHeader ReadHeader(Bytes header) {
  FrameHeader frame;
  if ((header[0] & std::byte{0x70}) != std::byte{0}) Die("a frame has a reserved bit set");
  frame.opcode = static_cast<std::uint8_t>(header[0] & std::byte{0x0f});
  frame.fin = (header[0] & std::byte{0x80}) != std::byte{0};
  frame.masked = (header[1] & std::byte{0x80}) != std::byte{0};
  const std::size_t length_size = LengthSize(header[1]);
  frame.length = length_size == 0 ? static_cast<std::uint64_t>(header[1] & std::byte{0x7f})
                                  : ReadNumber(header.subspan(2, length_size));
  if (frame.masked) std::memcpy(frame.mask.data(), header.data() + 2 + length_size, 4);
  return frame;
}

std::size_t WriteHeader(const FrameHeader& frame, std::byte* out) {
  out[0] = static_cast<std::byte>((frame.fin ? 0x80 : 0) | frame.opcode);
  const int mask_bit = frame.masked ? 0x80 : 0;
  std::size_t length_size = 0;
  if (frame.length > 0xffff) {
    length_size = 8;
  } else if (frame.length > 125) {
    length_size = 2;
  }
  const std::uint64_t short_length =
      length_size == 8 ? 127 : (length_size == 2 ? 126 : frame.length);
  out[1] = static_cast<std::byte>(static_cast<std::uint64_t>(mask_bit) | short_length);
  for (std::size_t i = 0; i < length_size; ++i) {
    out[2 + i] = static_cast<std::byte>(frame.length >> (8 * (length_size - 1 - i)));
  }
  if (!frame.masked) return 2 + length_size;
  std::memcpy(out + 2 + length_size, frame.mask.data(), 4);
  return 6 + length_size;
}

bool FrameReader::TakeHeader(MutableBytes& in) {
  while (partial_size_ < 2 || partial_size_ < HeaderSize(partial_[1])) {
    if (in.empty()) return false;
    partial_[partial_size_++] = in.front();
    in = in.subspan(1);
  }
  frame_ = ReadHeader(Bytes(partial_).first(partial_size_));
  partial_size_ = 0;
  at_ = 0;
  in_frame_ = true;
  return true;
}

void Unmask(Bytes in, const FrameHeader& frame, std::uint64_t at, std::byte* out) {
  std::array<std::byte, 8> turned;
  for (std::size_t i = 0; i < 8; ++i) turned[i] = frame.mask[(at + i) & 3];
  std::uint64_t mask = 0;
  std::memcpy(&mask, turned.data(), 8);
  std::size_t i = 0;
  for (; i + 8 <= in.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, in.data() + i, 8);
    word ^= mask;
    std::memcpy(out + i, &word, 8);
  }
  for (; i < in.size(); ++i) out[i] = in[i] ^ turned[i & 7];
}

}  // namespace upgate::bench
