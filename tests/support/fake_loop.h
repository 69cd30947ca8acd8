#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/io/network.h"
#include "tests/support/fake_timers.h"
#include "tests/support/memory_network.h"

namespace upgate::test {

// The same pseudo-random bytes in every run.
class FixedEntropy final : public io::Entropy {
 public:
  explicit FixedEntropy(std::uint64_t seed = 1) : state_(seed) {}
  void Fill(MutableBytes out) override;

 private:
  std::uint64_t state_;
};

// A whole event loop inside a test. Nothing happens except in the Run functions and Advance.
// Objects deferred for deletion live until the end of the turn and may still get events in it. It
// is a test failure if anything is left when the loop is destroyed (streams, listeners, pending
// operations, armed timers, deferred callbacks); so declare it first.
class FakeLoop final : private io::Turn {
 public:
  FakeLoop() { network_.SetLedger(memory_); }
  ~FakeLoop() override;
  FakeLoop(const FakeLoop&) = delete;
  FakeLoop& operator=(const FakeLoop&) = delete;

  // The loop for the code under test. A test that sets `share` must do so before anything copies
  // it.
  io::Loop& io() { return io_; }

  MemoryNetwork& network() { return network_; }
  FakeTimers& timers() { return timers_; }
  io::MemoryLedger& memory() { return memory_; }

  // Runs one turn: deferred callbacks, leftovers, due timers, one round of the network, deferred
  // deletions. False if nothing happened.
  bool RunTurn();
  // Runs turns until nothing happens any more; time stands still.
  void RunUntilIdle();
  // Advances time. At each deadline on the way, runs until idle before time goes on.
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
