#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/ws/frame.h"

namespace upgate::ws {

// A complete message. `payload` may be modified in place.
struct Message {
  Opcode opcode = Opcode::kBinary;
  // A view of `storage`, or of the message's only part, and then valid only as long as that is.
  MutableBytes payload;
  std::vector<std::byte> storage;
};

// Collects the parts from a FrameDecoder into complete messages. A message that arrives in one part
// is passed through without a copy; the bytes of others move out with the Message, so nothing is
// kept between messages. The buffer grows with the bytes received, not with the announced length,
// and is limited by the decoder's max_message. Not thread-safe. Control frames may arrive between
// the parts of a message: use a separate assembler for them.
class MessageAssembler {
 public:
  // Adds the next part, in order; returns the message if this was its last part.
  std::optional<Message> Add(const FramePart& part);

  // Moves out the bytes of an incomplete message. Add must not get the rest of that message.
  std::vector<std::byte> TakeBuffered() { return std::exchange(buffer_, {}); }

  // Bytes kept of an incomplete message.
  std::size_t buffered() const { return buffer_.size(); }
  // The same as allocated capacity.
  std::size_t held_bytes() const { return buffer_.capacity(); }

 private:
  std::vector<std::byte> buffer_;
};

}  // namespace upgate::ws
