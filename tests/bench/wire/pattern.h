#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gateway/base/bytes.h"

namespace upgate::bench {

// Endless streams with a period of some messages, made once: the random payload of messages of one
// size, and the same messages as binary frames. Patterns of the same size have the same payload, so
// that both ends can check it. Any number of messages can be sent with one write.
class Pattern {
 public:
  // `masked`: the frames of a client.
  Pattern(std::size_t message_size, bool masked);

  std::size_t message_size() const { return message_size_; }
  std::size_t frame_size() const { return frame_size_; }

  // A piece of the payload stream at an offset, of at most `limit` bytes (but not less than one
  // message, if `limit` allows it).
  Bytes Payload(std::uint64_t at, std::uint64_t limit) const { return Slice(payload_, at, limit); }
  Bytes Frames(std::uint64_t at, std::uint64_t limit) const { return Slice(frames_, at, limit); }
  // Whether the payload stream equals `got` at this offset.
  bool Matches(std::uint64_t at, Bytes got) const;

 private:
  static Bytes Slice(const std::vector<std::byte>& twice, std::uint64_t at, std::uint64_t limit);

  std::size_t message_size_;
  std::size_t frame_size_ = 0;
  // Two periods each, so that a whole period is contiguous from any start.
  std::vector<std::byte> payload_;
  std::vector<std::byte> frames_;
};

}  // namespace upgate::bench
