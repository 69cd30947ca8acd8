#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "gateway/base/bytes.h"
#include "gateway/ws/close.h"
#include "gateway/ws/frame.h"

namespace upgate::ws {

// Payload of the gateway's own pings, by which their Pongs are recognized.
using PingPayload = std::array<std::byte, 8>;

// What a walk has counted.
struct FrameTally {
  std::uint64_t bytes = 0;            // payload of data frames
  std::uint32_t frames = 0;           // data frames begun
  std::uint32_t text_messages = 0;    // completed
  std::uint32_t binary_messages = 0;  // completed
  std::uint32_t pings = 0;
  std::uint32_t pongs = 0;
  std::uint32_t closes = 0;
};

// Follows the frames of one direction of a relay between two WebSocket endpoints without changing a
// byte: parses headers, to count and limit messages, and keeps the first Close. Extensions and
// message contents are left to the endpoints: the only errors are lost framing, a wrong mask bit,
// and messages over the limit. The walk ends at a Close, because what follows is not frames. The
// Close of a server is not passed on in pieces but kept whole, so that it can be corrected. No I/O;
// keeps at most one partial header, and allocates only for a Close. Not thread-safe. RFC 6455,
// sections 5.2 and 5.5.1.
class FrameWalker {
 public:
  // `role`: as for FrameDecoder, kServer for frames sent by a client. `max_message`: maximum
  // payload bytes of one message.
  FrameWalker(Role role, std::uint64_t max_message) : max_message_(max_message), role_(role) {}

  // What to forward: whole headers and their payload, without a server's Close. A partial header is
  // kept until it is complete, so that the positions where the gateway may insert a frame are
  // always known, and no endpoint receives part of a frame with an error.
  struct Walked {
    std::size_t passed = 0;  // bytes to forward from the front of the data, after `kept`
    const ProtocolError* error = nullptr;  // after an error the walker must not be used
    std::uint8_t kept_size = 0;
    // The walk stopped after a Pong that answers the gateway's own ping and must not be forwarded.
    // Its frame ends at `rest` in the data, where the next walk begins.
    bool answered = false;
    std::size_t rest = 0;
    // The first `kept_size` bytes: the start of a header from earlier data.
    std::array<std::byte, kMaxHeader> kept_bytes;

    Bytes kept() const { return Bytes(kept_bytes).first(kept_size); }
  };
  // Calls `on_message` with the size of each completed message.
  template <class OnMessage>
  Walked Walk(Bytes data, FrameTally& tally, OnMessage&& on_message);
  // Sets the payload of the pings inserted in the other direction, whose Pongs are to be recognized
  // among the client's frames. Borrowed; must outlive the walker.
  void AwaitAnswersTo(const PingPayload& ping) { ping_ = &ping; }

  // The error of the last Walk with the sizes that it is about, if it is 1009.
  ProtocolError WithSizes(const ProtocolError& error) const;
  // Payload bytes that are still to be passed on before a frame of our own may be put in.
  std::uint64_t frame_left() const { return in_frame_ && !keeps_close() ? payload_left_ : 0; }
  // The first complete Close, or nullptr. If its body is invalid, the Close for that error.
  const Close* close() const { return close_ && close_->whole ? &*close_->whole : nullptr; }
  // A server's Close as it was received, but with the shortest form of its length. Only if close().
  const CloseFrame& kept_close() const { return close_->frame; }

 private:
  // A Pong that may answer the gateway's own ping is read completely, with its payload treated as
  // part of its header: six bytes and eight.
  static constexpr std::size_t kPongSize = 6 + std::tuple_size_v<PingPayload>;
  static_assert(kPongSize <= kMaxHeader);

  // Consumes header bytes from the front of `data` and sets in_frame_ when the header is complete.
  // A Pong that answers the gateway's own ping is consumed completely and sets answered_ instead.
  const ProtocolError* TakeHeader(Bytes& data, FrameTally& tally);
  const ProtocolError* GatherHeader(Bytes& data, FrameTally& tally);
  const ProtocolError* BeginFrame(const std::byte* header, std::size_t size, FrameTally& tally);
  std::size_t WantedOfHeader() const;
  void JudgePong();
  // Consumes payload from the front of `data`; true if the frame completed a message.
  bool TakePayload(Bytes& data, FrameTally& tally);
  void BeginClose(unsigned first);
  void TakeClose(Bytes piece);
  bool keeps_close() const { return close_ != nullptr && role_ == Role::kClient; }

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
  bool maybe_answer_ = false;  // header_ holds the start of a Pong that is read completely
  bool answered_ = false;
  const PingPayload* ping_ = nullptr;
  struct CloseSeen {
    CloseFrame frame;
    std::optional<Close> whole;
  };
  std::unique_ptr<CloseSeen> close_;
};

template <class OnMessage>
FrameWalker::Walked FrameWalker::Walk(Bytes data, FrameTally& tally, OnMessage&& on_message) {
  Walked walked;
  const std::size_t size = data.size();
  while (!data.empty() && close() == nullptr) {
    if (!in_frame_) {
      walked.passed = size - data.size();
      const std::uint8_t kept = header_size_;
      const ProtocolError* error = TakeHeader(data, tally);
      if (error != nullptr || !in_frame_) [[unlikely]] {
        if (maybe_answer_) error = GatherHeader(data, tally);
        if (error != nullptr || !in_frame_) {
          walked.error = error;
          walked.answered = std::exchange(answered_, false);
          walked.rest = size - data.size();
          return walked;
        }
      }
      if (kept > 0 && !keeps_close()) {
        walked.kept_size = kept;
        walked.kept_bytes = header_;
      }
    }
    if (TakePayload(data, tally)) on_message(std::exchange(message_size_, 0));
  }
  if (!keeps_close()) [[likely]]
    walked.passed = size - data.size();
  return walked;
}

}  // namespace upgate::ws
