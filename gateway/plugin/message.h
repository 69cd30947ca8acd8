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

// A WebSocket message made ready for any number of sockets: encoded once, as one frame, and shared
// by all who hold a copy, also across loops. Immutable and cheap to copy; thread-safe.
class Message {
 public:
  // Copies the payload. Text must be UTF-8.
  Message(MessageKind kind, Bytes payload);

  MessageKind kind() const { return encoded_->kind; }
  Bytes payload() const { return frame().subspan(encoded_->header_size); }
  // Header and payload, as a server sends them (RFC 6455, section 5.2).
  Bytes frame() const { return {encoded_->bytes.get(), encoded_->size}; }
  // The same, compressed by itself (RFC 7692) with such a window and level: by the first who needs
  // it, and kept for all others. Empty where that makes it no smaller. Valid as long as the
  // message. FindCompressed: nothing when nobody did it yet; the deflater is one that remembers
  // nothing.
  std::optional<Bytes> FindCompressed(std::uint8_t window_bits, int level) const;
  Bytes Compress(ws::Deflater& deflater) const;

  // For who keeps it waiting: enters it in the memory that is held for clients, once, until
  // everybody has let go of it. The total that the ledger has joined outlives the message.
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
    mutable std::mutex mutex = {};  // held while one compresses, so that nobody does it twice
    mutable std::list<Compressed> compressed = {};
    mutable std::atomic_flag is_charged = {};
    mutable io::SharedMemoryCharge charge = {};

    const Compressed* Find(std::uint8_t window_bits, int level) const;
  };
  std::shared_ptr<const Encoded> encoded_;
};

// Messages that were sent together and go to many: their frames stand one behind the other, so that
// each socket takes one write. Immutable and cheap to copy; thread-safe.
class Batch {
 public:
  // Equal sizes in a row are counted together.
  struct Sizes {
    std::uint64_t payload;
    std::uint32_t text;
    std::uint32_t binary;
  };

  explicit Batch(std::vector<Message> messages);

  std::span<const Message> messages() const { return content_->messages; }
  // All frames, as a server sends them uncompressed.
  Bytes frames() const { return content_->frames; }
  std::span<const Sizes> sizes() const { return content_->sizes; }
  std::uint64_t payload_bytes() const { return content_->payload_bytes; }

  // As Message::Charge, for all that the batch keeps.
  void Charge(io::MemoryLedger& ledger) const;

 private:
  struct Content {
    std::vector<Message> messages;
    std::vector<std::byte> joined;  // empty where there is one message
    Bytes frames;
    std::vector<Sizes> sizes;
    std::uint64_t payload_bytes = 0;
    mutable std::atomic_flag is_charged = {};
    mutable io::SharedMemoryCharge charge = {};
  };
  std::shared_ptr<const Content> content_;
};

// Whether a payload may be sent as text (RFC 3629).
bool IsUtf8(Bytes payload);

}  // namespace upgate::plugin
