#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "tests/bench/wire/pattern.h"

namespace upgate::bench {

struct MessageId {
  std::uint64_t sender = 0;
  std::uint64_t number = 0;

  bool operator==(const MessageId&) const = default;
};

// Binary messages that begin with their sender and number, so that whoever gets them back can tell
// which were lost, repeated, reordered or altered. One in ten of each sender is large.
class NumberedMessages {
 public:
  static constexpr std::size_t kSmall = 64;         // bytes
  static constexpr std::size_t kLarge = 16 * 1024;  // bytes
  static constexpr std::size_t kHead = sizeof(MessageId);

  NumberedMessages();

  static std::size_t SizeOf(const MessageId& id) {
    return (id.sender + id.number) % 10 == 0 ? kLarge : kSmall;
  }
  // The message as a masked frame; valid until the next call.
  Bytes Frame(const MessageId& id);
  // What follows the head of every message.
  const Pattern& filling() const { return filling_; }

 private:
  const Pattern filling_;
  std::mt19937 random_{3};  // for masks
  std::vector<std::byte> frame_;
};

// Checks messages as they arrive, in pieces.
class NumberedReader {
 public:
  // `messages` must outlive the reader.
  explicit NumberedReader(const NumberedMessages& messages) : messages_(&messages) {}

  void Take(Bytes piece);
  // The message is complete: its identity, or nothing if it is not as it was sent.
  std::optional<MessageId> Finish();

 private:
  const NumberedMessages* messages_;
  std::array<std::byte, NumberedMessages::kHead> head_{};
  std::size_t size_ = 0;
  bool altered_ = false;
};

}  // namespace upgate::bench
