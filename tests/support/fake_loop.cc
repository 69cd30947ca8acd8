#include "tests/support/fake_loop.h"

#include <gtest/gtest.h>

namespace upgate::test {
namespace {

constexpr int kMostTurns = 20'000'000;

}  // namespace

void FixedEntropy::Fill(MutableBytes out) {
  // splitmix64: short, and random enough for tests.
  for (std::byte& byte : out) {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    byte = static_cast<std::byte>((z ^ (z >> 31)) & 0xff);
  }
}

FakeLoop::~FakeLoop() {
  DeleteDeferred();
  if (!later_.empty() || !leftovers_.empty())
    ADD_FAILURE() << "a callback still waits for the next turn when the loop ended";
}

bool FakeLoop::DeleteDeferred() {
  if (deferred_.empty()) return false;
  while (!deferred_.empty()) {
    auto things = std::exchange(deferred_, {});
    for (auto& thing : things) thing.reset();
  }
  return true;
}

bool FakeLoop::RunTurn() {
  const bool later = !later_.empty() || !leftovers_.empty();
  later_.RunAll();
  leftovers_.RunAll();
  const bool fired = timers_.AdvanceTo(timers_.Now()) > 0;
  const bool happened = network_.RunOnce();
  const bool deleted = DeleteDeferred();
  return later || fired || happened || deleted;
}

void FakeLoop::RunUntilIdle() {
  for (int turns = 0; RunTurn(); ++turns) {
    if (turns > kMostTurns) {
      ADD_FAILURE() << "the loop never becomes idle";
      return;
    }
  }
}

void FakeLoop::Advance(io::Millis by) {
  const io::Instant target = timers_.Now() + by;
  RunUntilIdle();
  for (auto next = timers_.NextDeadline(); next && *next <= target; next = timers_.NextDeadline()) {
    timers_.AdvanceTo(*next);
    RunUntilIdle();
  }
  timers_.AdvanceTo(target);
  RunUntilIdle();
}

}  // namespace upgate::test
