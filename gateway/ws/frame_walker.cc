#include "gateway/ws/frame_walker.h"

#include <cstring>

#include "gateway/ws/frame_errors.h"
#include "gateway/ws/frame_header.h"
#include "gateway/ws/mask.h"

namespace upgate::ws {

// Inlined into the hot path, which takes whole headers.
[[gnu::always_inline]] inline const ProtocolError* FrameWalker::BeginFrame(const std::byte* header,
                                                                           std::size_t size,
                                                                           FrameTally& tally) {
  const unsigned first = At(header, 0);
  const bool masked = (At(header, 1) & kMaskBit) != 0;
  if (masked != (role_ == Role::kServer)) return masked ? &kMasked : &kNotMasked;
  payload_left_ = PayloadLength(header);
  if (payload_left_ >> 63 != 0) return &kTopBit;
  opcode_ = Opcode{static_cast<std::uint8_t>(first & kOpcodeBits)};
  fin_ = (first & kFin) != 0;
  if (masked) std::memcpy(mask_.data(), header + size - mask_.size(), mask_.size());
  if (IsControl(opcode_)) {
    if (payload_left_ > kMaxControlPayload) return &kLongControl;
    tally.pings += opcode_ == Opcode::kPing;
    tally.pongs += opcode_ == Opcode::kPong;
    if (opcode_ == Opcode::kClose) {
      ++tally.closes;
      BeginClose(first);
    }
    constexpr unsigned kWholePong = kFin | static_cast<unsigned>(Opcode::kPong);
    if (ping_ != nullptr && first == kWholePong && payload_left_ == ping_->size() &&
        size + ping_->size() == kPongSize) {
      std::memmove(header_.data(), header, size);
      header_size_ = static_cast<std::uint8_t>(size);
      maybe_answer_ = true;
      return nullptr;  // the Pong's payload is needed first
    }
  } else {
    if (payload_left_ > max_message_ - message_size_) return &kTooBig;
    ++tally.frames;
    if (opcode_ != Opcode::kContinuation) message_opcode_ = opcode_;
  }
  in_frame_ = true;
  return nullptr;
}

const ProtocolError* FrameWalker::TakeHeader(Bytes& data, FrameTally& tally) {
  if (header_size_ == 0 && data.size() >= 2) {
    const std::size_t whole = SizeOfHeader(At(data.data(), 1));
    if (data.size() >= whole) {
      const std::byte* header = data.data();
      data = data.subspan(whole);
      return BeginFrame(header, whole, tally);
    }
  }
  return GatherHeader(data, tally);
}

std::size_t FrameWalker::WantedOfHeader() const {
  if (maybe_answer_) return kPongSize;
  return header_size_ < 2 ? 2 : SizeOfHeader(At(header_.data(), 1));
}

const ProtocolError* FrameWalker::GatherHeader(Bytes& data, FrameTally& tally) {
  while (!data.empty()) {
    const std::size_t taken = std::min(data.size(), WantedOfHeader() - header_size_);
    std::memcpy(header_.data() + header_size_, data.data(), taken);
    header_size_ = static_cast<std::uint8_t>(header_size_ + taken);
    data = data.subspan(taken);
    if (header_size_ < 2 || header_size_ < WantedOfHeader()) continue;
    const std::size_t whole = std::exchange(header_size_, 0);
    if (maybe_answer_) {
      JudgePong();
      return nullptr;
    }
    const ProtocolError* error = BeginFrame(header_.data(), whole, tally);
    if (!maybe_answer_) return error;
  }
  return nullptr;
}

// header_ holds the whole frame.
void FrameWalker::JudgePong() {
  maybe_answer_ = false;
  PingPayload payload;
  std::memcpy(payload.data(), header_.data() + kPongSize - payload.size(), payload.size());
  Mask(payload, mask_, 0);
  answered_ = payload == *ping_;
  in_frame_ = !answered_;
  payload_left_ = 0;
}

ProtocolError FrameWalker::WithSizes(const ProtocolError& error) const {
  if (&error != &kTooBig) return error;
  return {error.close_code, error.reason, max_message_, message_size_ + payload_left_};
}

bool FrameWalker::TakePayload(Bytes& data, FrameTally& tally) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(data.size(), payload_left_));
  payload_left_ -= size;
  if (opcode_ == Opcode::kClose) {
    TakeClose(data.first(size));
  } else if (!IsControl(opcode_)) {
    tally.bytes += size;
    message_size_ += size;
  }
  data = data.subspan(size);
  if (payload_left_ > 0) return false;
  in_frame_ = false;
  if (IsControl(opcode_) || !fin_) return false;
  ++(message_opcode_ == Opcode::kText ? tally.text_messages : tally.binary_messages);
  return true;
}

[[gnu::noinline]] void FrameWalker::BeginClose(unsigned first) {
  close_ = std::make_unique<CloseSeen>();
  close_->frame.bytes[0] = static_cast<std::byte>(first);
  close_->frame.bytes[1] = static_cast<std::byte>(payload_left_);
}

void FrameWalker::TakeClose(Bytes piece) {
  CloseFrame& frame = close_->frame;
  std::ranges::copy(piece, frame.bytes.begin() + static_cast<std::ptrdiff_t>(frame.size));
  frame.size += piece.size();
  if (payload_left_ > 0) return;
  const MutableBytes body = MutableBytes(frame.bytes).first(frame.size).subspan(2);
  if (role_ == Role::kServer) Mask(body, mask_, 0);
  const auto close = ParseClose(body);
  close_->whole =
      close ? *close : Close{close.error().close_code, std::string(close.error().reason)};
}

}  // namespace upgate::ws
