#include "tests/bench/load/numbered.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "tests/bench/wire/frame_reader.h"

namespace upgate::bench {

NumberedMessages::NumberedMessages() : filling_(kLarge, false) {}

Bytes NumberedMessages::Frame(const MessageId& id) {
  const std::size_t size = SizeOf(id);
  frame_.resize(kMaxHeader + size);
  FrameHeader frame{.opcode = kBinary, .fin = true, .masked = true, .length = size};
  frame.mask = std::bit_cast<std::array<std::byte, 4>>(static_cast<std::uint32_t>(random_()));
  std::byte* const payload = frame_.data() + WriteHeader(frame, frame_.data());
  std::memcpy(payload, &id, kHead);
  std::ranges::copy(filling_.Payload(0, size - kHead), payload + kHead);
  Unmask({payload, size}, frame, 0, payload);
  return {frame_.data(), payload + size};
}

void NumberedReader::Take(Bytes piece) {
  if (size_ < head_.size()) {
    const Bytes part = piece.first(std::min(piece.size(), head_.size() - size_));
    std::ranges::copy(part, head_.data() + size_);
    size_ += part.size();
    piece = piece.subspan(part.size());
  }
  if (piece.empty()) return;
  altered_ = altered_ || !messages_->filling().Matches(size_ - head_.size(), piece);
  size_ += piece.size();
}

std::optional<MessageId> NumberedReader::Finish() {
  const auto id = std::bit_cast<MessageId>(head_);
  const std::size_t size = std::exchange(size_, 0);
  if (std::exchange(altered_, false) || size < head_.size()) return std::nullopt;
  if (size != NumberedMessages::SizeOf(id)) return std::nullopt;
  return id;
}

}  // namespace upgate::bench
