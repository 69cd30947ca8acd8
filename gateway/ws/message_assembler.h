#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/ws/frame.h"

namespace upgate::ws {

// A whole message. `payload` may be changed in place.
struct Message {
  Opcode opcode = Opcode::kBinary;
  MutableBytes payload;  // in `storage`, or where the only part of the message was, and then valid
                         // only as long as that is
  std::vector<std::byte> storage;
};

// Collects the parts of a FrameDecoder into whole messages. A message that comes in one part is
// handed through where it is, without a copy; the bytes of others leave with the Message, so that
// nothing is kept between messages. The buffer grows with what has arrived, not with what a header
// announces; the decoder's max_message is its bound. Not thread-safe. Control frames may stand
// between the parts of a message: give them to an assembler of their own, which makes whole bodies
// of them in the same way.
class MessageAssembler {
 public:
  // The next part, in order; the message when this was its last one.
  std::optional<Message> Add(const FramePart& part);

  // What is kept of a message that is not whole yet, and keeps it no longer: Add is not to get the
  // rest of it.
  std::vector<std::byte> TakeBuffered() { return std::exchange(buffer_, {}); }

  // Bytes kept of a message that is not whole yet.
  std::size_t buffered() const { return buffer_.size(); }
  // The same with the room for more.
  std::size_t held_bytes() const { return buffer_.capacity(); }

 private:
  std::vector<std::byte> buffer_;
};

}  // namespace upgate::ws
