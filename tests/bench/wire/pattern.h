#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gateway/base/bytes.h"

namespace upgate::bench {

// Endless streams that repeat after some messages, made once: the random payload of messages of one
// size, and the same messages as binary frames. Whoever makes a Pattern of the same size gets the
// same payload, so that both ends can check it. Sending any number of messages is one write from
// here, without work for each.
class Pattern {
 public:
  // `masked`: the frames are a client's.
  Pattern(std::size_t message_size, bool masked);

  std::size_t message_size() const { return message_size_; }
  std::size_t frame_size() const { return frame_size_; }

  // A piece of the stream of payload at an offset, of at most `limit` bytes (not less than one
  // message, when the limit is not).
  Bytes Payload(std::uint64_t at, std::uint64_t limit) const { return Slice(payload_, at, limit); }
  Bytes Frames(std::uint64_t at, std::uint64_t limit) const { return Slice(frames_, at, limit); }
  // Whether `got` is what the stream of payload has at this offset.
  bool Matches(std::uint64_t at, Bytes got) const;

 private:
  static Bytes Slice(const std::vector<std::byte>& twice, std::uint64_t at, std::uint64_t limit);

  std::size_t message_size_;
  std::size_t frame_size_ = 0;
  // Two periods each, so that a whole one is in one piece wherever it begins.
  std::vector<std::byte> payload_;
  std::vector<std::byte> frames_;
};

}  // namespace upgate::bench
