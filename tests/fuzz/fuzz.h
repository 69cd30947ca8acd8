#pragma once

// Shared code of the fuzzers. A fuzzer is a function of the input that aborts if a property does
// not hold. libFuzzer calls it (preset `fuzz`), or replay_main.cc with the inputs in corpus/ (the
// ordinary tests).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>
#include <utility>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace upgate::fuzz {

inline void Require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: does not hold\n", where.file_name(),
               static_cast<unsigned>(where.line()));
  std::abort();
}

// Consumes an input from its front. Past its end there are zeros and empty texts.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  std::uint8_t Byte() {
    const std::string_view byte = Take(1);
    return byte.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(byte[0]);
  }
  // A number from 0 to `choices` - 1.
  std::size_t Choose(std::size_t choices) { return Byte() % choices; }
  bool Flag() { return (Byte() & 1) != 0; }
  // At most `size` bytes.
  std::string_view Take(std::size_t size) {
    const std::string_view front = rest_.substr(0, size);
    rest_.remove_prefix(front.size());
    return front;
  }
  // Up to the next `end`, which is consumed but not returned.
  std::string_view TakeUntil(char end) {
    const std::string_view front = Take(std::min(rest_.find(end), rest_.size()));
    Take(1);
    return front;
  }
  std::string_view Rest() { return Take(rest_.size()); }

 private:
  std::string_view rest_;
};

// The sizes of the reads in which data arrives. Seed 0: all at once; other seeds: mostly short
// reads, deterministic for each seed.
class Cuts {
 public:
  explicit Cuts(std::uint32_t seed) : state_(seed) {}

  std::size_t Next(std::size_t left) {
    if (state_ == 0) return left;
    state_ = state_ * 1664525 + 1013904223;
    if (state_ == 0) state_ = 1;
    const bool longer = (state_ >> 28) == 0;
    return std::min<std::size_t>(left, 1 + (state_ >> 16) % (longer ? 200 : 16));
  }
  // Takes a piece off the front of `rest`, a string_view or a span.
  template <class View>
  View TakeFrom(View& rest) {
    const std::size_t size = Next(rest.size());
    const View whole = std::exchange(rest, View(rest.data() + size, rest.size() - size));
    return View(whole.data(), size);
  }

 private:
  std::uint32_t state_;
};

}  // namespace upgate::fuzz
