#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "gateway/base/bytes.h"

namespace upgate::plugin {

enum class MessageKind : std::uint8_t { kText, kBinary };

// A WebSocket message made ready for any number of sockets: encoded once, as one frame, and shared by all who hold a copy, also
// across loops. Immutable and cheap to copy; thread-safe.
class Message {
 public:
  // Copies the payload. Text must be UTF-8.
  Message(MessageKind kind, Bytes payload);

  MessageKind kind() const { return encoded_->kind; }
  Bytes payload() const { return frame().subspan(encoded_->header_size); }
  // Header and payload, as a server sends them (RFC 6455, section 5.2).
  Bytes frame() const { return {encoded_->bytes.get(), encoded_->size}; }

 private:
  struct Encoded {
    MessageKind kind;
    std::size_t header_size;
    std::size_t size;
    std::unique_ptr<std::byte[]> bytes;
  };
  std::shared_ptr<const Encoded> encoded_;
};

// Whether a payload may be sent as text (RFC 3629).
bool IsUtf8(Bytes payload);

}  // namespace upgate::plugin
