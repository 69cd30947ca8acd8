#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "gateway/base/bytes.h"
#include "gateway/ws/close.h"
#include "gateway/ws/frame.h"

namespace upgate::ws {

// What a walk passed by.
struct FrameTally {
  std::uint64_t bytes = 0;            // payload of data frames
  std::uint32_t frames = 0;           // data frames that began
  std::uint32_t text_messages = 0;    // that ended
  std::uint32_t binary_messages = 0;  // that ended
  std::uint32_t pings = 0;
  std::uint32_t pongs = 0;
  std::uint32_t closes = 0;
};

// Walks over the frames of one direction of a relay between two WebSocket ends without changing a byte: it reads headers, so that
// messages can be counted and bounded, and keeps the first Close. What the ends agreed on (extensions, the content of messages) is
// their business: only what would make the walk lose its way, a wrong mask bit, and messages over the limit are errors. No I/O; keeps at
// most one partial header, and allocates only for a Close. Not thread-safe. RFC 6455, section 5.2.
class FrameWalker {
 public:
  // `role`: as for FrameDecoder, kServer for frames that a client sends. `max_message`: most payload bytes of one message.
  FrameWalker(Role role, std::uint64_t max_message) : max_message_(max_message), role_(role) {}

  struct Walked {
    std::size_t passed = 0;              // bytes to pass on: all, or those before the frame with the error
    const ProtocolError* error = nullptr;  // the walker is dead then
  };
  // `on_message` is called with the size of each message that ends.
  template <class OnMessage>
  Walked Walk(Bytes data, FrameTally& tally, OnMessage&& on_message);

  // Between two frames: where a frame of our own may be put in.
  bool at_boundary() const { return header_size_ == 0 && !in_frame_; }
  // The first Close that passed by whole, or nullptr; a body that is wrong reads as its error.
  const Close* close() const { return close_ && close_->whole ? &*close_->whole : nullptr; }

 private:
  // Takes bytes of a header off the front of `data`; in_frame_ is set when it is whole.
  const ProtocolError* TakeHeader(Bytes& data, FrameTally& tally);
  const ProtocolError* BeginFrame(const std::byte* header, std::size_t size, FrameTally& tally);
  // Takes payload off the front of `data`; true when the frame was the last one of a message.
  bool TakePayload(Bytes& data, FrameTally& tally);
  void TakeClose(Bytes piece);

  std::uint64_t payload_left_ = 0;
  std::uint64_t message_size_ = 0;
  std::uint64_t max_message_;
  std::array<std::byte, kMaxHeader> header_{};
  std::array<std::byte, 4> mask_{};
  std::uint8_t header_size_ = 0;  // bytes of a partial header in header_
  Role role_;
  Opcode opcode_ = Opcode::kContinuation;          // of the frame
  Opcode message_opcode_ = Opcode::kContinuation;  // of the open message; kContinuation: none
  bool fin_ = false;
  bool in_frame_ = false;
  struct CloseSeen {
    std::array<std::byte, kMaxControlPayload> body;
    std::size_t size = 0;
    std::optional<Close> whole;
  };
  std::unique_ptr<CloseSeen> close_;
};

template <class OnMessage>
FrameWalker::Walked FrameWalker::Walk(Bytes data, FrameTally& tally, OnMessage&& on_message) {
  const std::size_t size = data.size();
  while (!data.empty()) {
    if (!in_frame_) {
      const std::size_t before = size - data.size();
      if (const ProtocolError* error = TakeHeader(data, tally)) return {before, error};
      if (!in_frame_) break;
    }
    if (TakePayload(data, tally)) on_message(std::exchange(message_size_, 0));
  }
  return {size, nullptr};
}

}  // namespace upgate::ws
