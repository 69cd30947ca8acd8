// Masking: vector code and scalar code agree at every length, phase and alignment, in one call or
// many, and modify nothing else. Input: a byte of phase and alignment, a seed for the splits, four
// bytes of mask, the data.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/ws/mask.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::ws {
namespace {

using fuzz::Require;
using MaskBytes = std::array<std::byte, 4>;

constexpr std::size_t kFence = 32;
constexpr char kFencePost = '|';

// `data` at a chosen alignment, between guard bytes.
class Fenced {
 public:
  Fenced(std::string_view data, std::size_t shift)
      : text_(std::string(kFence + shift, kFencePost) + std::string(data) +
              std::string(kFence, kFencePost)),
        begin_(kFence + shift),
        size_(data.size()) {}

  MutableBytes data() { return std::as_writable_bytes(std::span(text_)).subspan(begin_, size_); }
  std::string_view text() const { return std::string_view(text_).substr(begin_, size_); }
  bool whole() const {
    return text_.find_first_not_of(kFencePost) >= begin_ &&
           text_.substr(begin_ + size_) == std::string(kFence, kFencePost);
  }

 private:
  std::string text_;
  std::size_t begin_;
  std::size_t size_;
};

void RunOne(std::uint8_t phase, std::uint8_t shift, std::uint8_t cut, const MaskBytes& mask,
            std::string_view data) {
  Fenced scalar(data, 0);
  const std::uint8_t after = MaskScalar(scalar.data(), mask, phase);
  Require(after == (phase + data.size()) % 4 && scalar.whole());

  Fenced vector(data, shift);
  Require(Mask(vector.data(), mask, phase) == after && vector.whole());
  Require(vector.text() == scalar.text());

  Fenced pieces(data, shift);
  fuzz::Cuts cuts(cut + 1u);
  std::uint8_t at = phase;
  for (MutableBytes rest = pieces.data(); !rest.empty();) at = Mask(cuts.TakeFrom(rest), mask, at);
  Require(at == after && pieces.whole() && pieces.text() == scalar.text());

  Mask(vector.data(), mask, phase);
  Require(vector.text() == data);
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const std::uint8_t settings = input.Byte();
  const std::uint8_t cut = input.Byte();
  upgate::ws::MaskBytes mask{};
  for (std::byte& byte : mask) byte = std::byte{input.Byte()};
  upgate::ws::RunOne(settings & 3, settings >> 2 & 31, cut, mask, input.Rest());
  return 0;
}
