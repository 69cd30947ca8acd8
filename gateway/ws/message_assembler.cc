#include "gateway/ws/message_assembler.h"

#include <utility>

namespace upgate::ws {

std::optional<Message> MessageAssembler::Add(const FramePart& part) {
  if (buffer_.empty() && part.message_end) return Message{part.opcode, part.payload, {}};
  buffer_.insert(buffer_.end(), part.payload.begin(), part.payload.end());
  if (!part.message_end) return std::nullopt;
  Message message{part.opcode, {}, std::exchange(buffer_, {})};
  message.payload = message.storage;
  return message;
}

}  // namespace upgate::ws
