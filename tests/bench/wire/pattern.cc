#include "tests/bench/wire/pattern.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "tests/bench/wire/frame_reader.h"

namespace upgate::bench {
namespace {

// Number of different messages in one period: many small or few large ones, to stay in the cache.
std::size_t Variants(std::size_t message_size) {
  return std::clamp<std::size_t>(128 * 1024 / message_size, 4, 64);
}

void Twice(std::vector<std::byte>& stream) {
  const std::size_t period = stream.size();
  stream.resize(2 * period);
  std::copy_n(stream.begin(), period, stream.begin() + static_cast<std::ptrdiff_t>(period));
}

}  // namespace

Pattern::Pattern(std::size_t message_size, bool masked) : message_size_(message_size) {
  const std::size_t variants = Variants(message_size);
  std::mt19937 payload_random(1);
  std::mt19937 mask_random(2);
  payload_.resize(variants * message_size);
  std::ranges::generate(payload_, [&] { return static_cast<std::byte>(payload_random()); });
  for (std::size_t i = 0; i < variants; ++i) {
    FrameHeader frame{.opcode = kBinary, .fin = true, .masked = masked, .length = message_size};
    std::ranges::generate(frame.mask, [&] { return static_cast<std::byte>(mask_random()); });
    std::array<std::byte, kMaxHeader> header;
    const std::size_t header_size = WriteHeader(frame, header.data());
    const auto payload = Bytes(payload_).subspan(i * message_size, message_size);
    frames_.insert(frames_.end(), header.begin(),
                   header.begin() + static_cast<std::ptrdiff_t>(header_size));
    frames_.insert(frames_.end(), payload.begin(), payload.end());
    if (masked) {
      std::byte* const masked_payload = frames_.data() + frames_.size() - message_size;
      Unmask(payload, frame, 0, masked_payload);
    }
  }
  frame_size_ = frames_.size() / variants;
  Twice(payload_);
  Twice(frames_);
}

Bytes Pattern::Slice(const std::vector<std::byte>& twice, std::uint64_t at, std::uint64_t limit) {
  const std::size_t period = twice.size() / 2;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(limit, period));
  return Bytes(twice).subspan(static_cast<std::size_t>(at % period), size);
}

bool Pattern::Matches(std::uint64_t at, Bytes got) const {
  while (!got.empty()) {
    const Bytes expected = Payload(at, got.size());
    if (std::memcmp(expected.data(), got.data(), expected.size()) != 0) return false;
    at += expected.size();
    got = got.subspan(expected.size());
  }
  return true;
}

}  // namespace upgate::bench
