#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/base/bytes.h"
#include "gateway/io/memory.h"
#include "gateway/ws/deflate.h"

namespace upgate::plugin {

enum class MessageKind : std::uint8_t { kText, kBinary };

// A WebSocket message prepared for any number of sockets: encoded once, as one frame, and shared by
// all copies, also across loops. Immutable and cheap to copy; thread-safe.
class Message {
 public:
  // Copies the payload. Text must be UTF-8.
  Message(MessageKind kind, Bytes payload);

  MessageKind kind() const { return encoded_->kind; }
  Bytes payload() const { return frame().subspan(encoded_->header_size); }
  // Header and payload, as sent by a server (RFC 6455, section 5.2).
  Bytes frame() const { return {encoded_->bytes.get(), encoded_->size}; }
  // The frame compressed without context (RFC 7692) with this window and level: compressed by the
  // first caller and kept for all others. Empty if compression does not make it smaller. Valid as
  // long as the message. FindCompressed returns nullopt if it has not been compressed yet.
  // `deflater` must have no context.
  std::optional<Bytes> FindCompressed(std::uint8_t window_bits, int level) const;
  Bytes Compress(ws::Deflater& deflater) const;

  // For code that queues the message: charges it to the memory held for clients, once, until its
  // last copy is destroyed. The total that the ledger has joined must outlive the message.
  void Charge(io::MemoryLedger& ledger) const;

 private:
  struct Compressed {
    std::uint8_t window_bits;
    int level;
    std::string frame;
  };
  struct Encoded {
    MessageKind kind;
    std::size_t header_size;
    std::size_t size;
    std::unique_ptr<std::byte[]> bytes;
    mutable std::mutex mutex = {};  // held while compressing, so that it is done only once
    mutable std::list<Compressed> compressed = {};
    mutable std::atomic_flag is_charged = {};
    mutable io::SharedMemoryCharge charge = {};

    const Compressed* Find(std::uint8_t window_bits, int level) const;
  };
  std::shared_ptr<const Encoded> encoded_;
};

// Messages sent together to many sockets: their frames are contiguous, so that each socket needs
// one write. Immutable and cheap to copy; thread-safe.
class Batch {
 public:
  // A run of messages of equal size.
  struct Sizes {
    std::uint64_t payload;
    std::uint32_t text;
    std::uint32_t binary;
  };

  explicit Batch(std::vector<Message> messages);

  std::span<const Message> messages() const { return content_->messages; }
  // All frames, uncompressed, as sent by a server.
  Bytes frames() const { return content_->frames; }
  std::span<const Sizes> sizes() const { return content_->sizes; }
  std::uint64_t payload_bytes() const { return content_->payload_bytes; }

  // Like Message::Charge, for everything in the batch.
  void Charge(io::MemoryLedger& ledger) const;

 private:
  struct Content {
    std::vector<Message> messages;
    std::vector<std::byte> joined;  // empty if there is only one message
    Bytes frames;
    std::vector<Sizes> sizes;
    std::uint64_t payload_bytes = 0;
    mutable std::atomic_flag is_charged = {};
    mutable io::SharedMemoryCharge charge = {};
  };
  std::shared_ptr<const Content> content_;
};

// True if the payload may be sent as text (RFC 3629).
bool IsUtf8(Bytes payload);

}  // namespace upgate::plugin
