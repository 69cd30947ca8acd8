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

// What a ping of our own carries, so that its answer can be told from other Pongs.
using PingPayload = std::array<std::byte, 8>;

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

// Walks over the frames of one direction of a relay between two WebSocket ends without changing a
// byte: it reads headers, so that messages can be counted and bounded, and keeps the first Close.
// What the ends agreed on (extensions, the content of messages) is their business: only what would
// make the walk lose its way, a wrong mask bit, and messages over the limit are errors. A Close
// ends the walk: what follows it is not frames any more. No I/O; keeps at most one partial header,
// and allocates only for a Close. Not thread-safe. RFC 6455, sections 5.2 and 5.5.1.
class FrameWalker {
 public:
  // `role`: as for FrameDecoder, kServer for frames that a client sends. `max_message`: most
  // payload bytes of one message.
  FrameWalker(Role role, std::uint64_t max_message) : max_message_(max_message), role_(role) {}

  // What to pass on: whole headers and their payload. The beginning of a header waits for its rest,
  // so that it is always known where a frame of our own may be put in, and no end sees any of a
  // frame with an error.
  struct Walked {
    std::size_t passed = 0;  // bytes of the data, from its front, behind what was kept
    const ProtocolError* error = nullptr;  // the walker is dead then
    std::uint8_t kept_size = 0;
    // The walk stopped behind a Pong that answers a ping of ours, and is not to be passed on: its
    // frame ends at `rest` of the data, where the next walk begins.
    bool answered = false;
    std::size_t rest = 0;
    std::array<std::byte, kMaxHeader>
        kept_bytes;  // the first `kept_size`: a header's beginning, from earlier data

    Bytes kept() const { return Bytes(kept_bytes).first(kept_size); }
  };
  // `on_message` is called with the size of each message that ends.
  template <class OnMessage>
  Walked Walk(Bytes data, FrameTally& tally, OnMessage&& on_message);
  // What pings carry that we have put in the other way: their answers are to be found among the
  // frames of a client. Borrowed; outlives the walker.
  void AwaitAnswersTo(const PingPayload& ping) { ping_ = &ping; }

  // The error of the last Walk with the sizes that it is about, if it is 1009.
  ProtocolError WithSizes(const ProtocolError& error) const;
  // Payload bytes that are still to be passed on before a frame of our own may be put in.
  std::uint64_t frame_left() const { return in_frame_ ? payload_left_ : 0; }
  // The first Close that passed by whole, or nullptr; a body that is wrong reads as its error.
  const Close* close() const { return close_ && close_->whole ? &*close_->whole : nullptr; }
  // Whether any of the payload of a Close has passed by.
  bool in_close() const { return close_ != nullptr; }
  // Where, in the data of the last Walk, the second byte of this code stands: if the Close is not
  // masked, has this code, and that byte of it was in there; else nullptr. Told once; for those who
  // put another code in its place. Only while in_close().
  const std::byte* TakeCodeOfClose(std::uint16_t code);

 private:
  // A Pong that may be an answer to a ping of ours is looked at whole, with its payload as a part
  // of its header: six bytes and eight.
  static constexpr std::size_t kPongSize = 6 + std::tuple_size_v<PingPayload>;
  static_assert(kPongSize <= kMaxHeader);

  // Takes bytes of a header off the front of `data`; in_frame_ is set when it is whole. A Pong that
  // answers a ping of ours is taken whole, and sets answered_ instead.
  const ProtocolError* TakeHeader(Bytes& data, FrameTally& tally);
  const ProtocolError* GatherHeader(Bytes& data, FrameTally& tally);
  const ProtocolError* BeginFrame(const std::byte* header, std::size_t size, FrameTally& tally);
  std::size_t WantedOfHeader() const;
  void JudgePong();
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
  bool maybe_answer_ = false;  // header_ has the beginning of a Pong that is looked at whole
  bool answered_ = false;
  const PingPayload* ping_ = nullptr;
  struct CloseSeen {
    std::array<std::byte, kMaxControlPayload> body;
    std::size_t size = 0;
    const std::byte* code_at = nullptr;  // its second byte, until the next Walk
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
      if (kept > 0) {
        walked.kept_size = kept;
        walked.kept_bytes = header_;
      }
    }
    if (TakePayload(data, tally)) on_message(std::exchange(message_size_, 0));
  }
  walked.passed = size - data.size();
  return walked;
}

}  // namespace upgate::ws
