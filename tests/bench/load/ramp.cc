#include "tests/bench/load/ramp.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

constexpr std::size_t kAtOnce = 32;
constexpr std::uint64_t kPatience = 120 * kSecond;

}  // namespace

Ramp::Ramp(std::size_t total, std::move_only_function<void(std::size_t)> start)
    : total_(total), start_(std::move(start)) {}

void Ramp::OnOpen() {
  ++open_;
  if (started_ < total_) start_(started_++);
}

void Ramp::Run(Loop& loop) {
  const std::uint64_t deadline = Now() + kPatience;
  const std::size_t first = std::min(kAtOnce, total_);
  while (started_ < first) start_(started_++);
  while (open_ < total_) {
    if (Now() > deadline) {
      Die("only " + std::to_string(open_) + " of " + std::to_string(total_) +
          " connections opened");
    }
    loop.Turn(deadline);
  }
}

}  // namespace upgate::bench
