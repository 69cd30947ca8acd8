#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/io/network.h"
#include "tests/support/fake_timers.h"
#include "tests/support/memory_network.h"

namespace upgate::test {

// The same "random" bytes in every run.
class FixedEntropy final : public io::Entropy {
 public:
  explicit FixedEntropy(std::uint64_t seed = 1) : state_(seed) {}
  void Fill(MutableBytes out) override;

 private:
  std::uint64_t state_;
};

// A whole loop inside a test: nothing happens but in Run… and Advance. What was deferred for
// deletion lives to the end of the turn, in which it may still get events. When the loop is
// destroyed, whatever is left inside (streams, listeners, pending work, armed timers, what waits
// for the next turn) is a test failure; so declare it first.
class FakeLoop final : private io::Turn {
 public:
  FakeLoop() { network_.SetLedger(memory_); }
  ~FakeLoop() override;
  FakeLoop(const FakeLoop&) = delete;
  FakeLoop& operator=(const FakeLoop&) = delete;

  // What the code under test gets. A test that sets `share` does so before anything copies this.
  io::Loop& io() { return io_; }

  MemoryNetwork& network() { return network_; }
  FakeTimers& timers() { return timers_; }
  io::MemoryLedger& memory() { return memory_; }

  // One turn: what was put off to it, what others have left over, due timers, one round of the
  // network, deferred deletions. False when nothing happened.
  bool RunTurn();
  // Turns until nothing happens any more; time stands still.
  void RunUntilIdle();
  // Lets time pass. At each deadline on the way everything comes to rest before time goes on.
  void Advance(io::Millis by);

 private:
  void DeferDelete(std::unique_ptr<io::Deletable> thing) override {
    deferred_.push_back(std::move(thing));
  }
  void RunLater(io::Later& later) override {
    if (!later.waiting()) later_.Append(later);
  }
  void Continue(io::Later& later) override {
    if (!later.waiting()) leftovers_.Append(later);
  }
  bool DeleteDeferred();

  io::MemoryLedger memory_;
  FakeTimers timers_;
  MemoryNetwork network_;
  FixedEntropy entropy_;
  io::LaterList later_;
  io::LaterList leftovers_;
  std::vector<std::unique_ptr<io::Deletable>> deferred_;
  io::Loop io_{network_, timers_, entropy_, *this, memory_};
};

}  // namespace upgate::test
