#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "gateway/base/bytes.h"

namespace upgate::bench {

enum Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

struct FrameHeader {
  std::uint8_t opcode = 0;
  bool fin = false;
  bool masked = false;
  std::array<std::byte, 4> mask{};
  std::uint64_t length = 0;

  bool control() const { return (opcode & 8) != 0; }
};

// Maximum size of a frame header (RFC 6455, section 5.2).
inline constexpr std::size_t kMaxHeader = 14;
// The size of a header, given its second byte.
std::size_t HeaderSize(std::byte second);
// Parses a complete header; ends the program if it is invalid.
FrameHeader ReadHeader(Bytes header);
// Writes a header into `out` (kMaxHeader bytes), including the mask if `frame.masked`, and returns
// its size.
std::size_t WriteHeader(const FrameHeader& frame, std::byte* out);

// Parses frames from a stream of bytes. Independent of the gateway's decoder, so that it detects
// the decoder's errors. Calls on a visitor:
//   OnFrame(const FrameHeader&)                       a header is complete
//   OnPayload(const FrameHeader&, MutableBytes, at)   a piece of payload, still masked; `at`: its
//   offset
//   OnFrameEnd(const FrameHeader&)
class FrameReader {
 public:
  template <class Visitor>
  void Feed(MutableBytes in, Visitor&& visitor) {
    while (!in.empty()) {
      if (!in_frame_) {
        if (!TakeHeader(in)) return;
        visitor.OnFrame(frame_);
      }
      if (const auto piece = TakePayload(in); !piece.empty()) {
        visitor.OnPayload(frame_, piece, at_ - piece.size());
      }
      if (at_ == frame_.length) {
        in_frame_ = false;
        visitor.OnFrameEnd(frame_);
      }
    }
  }

 private:
  bool TakeHeader(MutableBytes& in);
  MutableBytes TakePayload(MutableBytes& in) {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), frame_.length - at_));
    const MutableBytes piece = in.first(size);
    in = in.subspan(size);
    at_ += size;
    return piece;
  }

  FrameHeader frame_;
  std::uint64_t at_ = 0;
  bool in_frame_ = false;
  std::uint8_t partial_size_ = 0;
  std::array<std::byte, kMaxHeader> partial_{};
};

// Unmasks `in` into `out`; `at` is the offset of the piece in its frame. The two may be the same
// buffer.
void Unmask(Bytes in, const FrameHeader& frame, std::uint64_t at, std::byte* out);

}  // namespace upgate::bench
