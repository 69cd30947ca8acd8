#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/bench/load/plan.h"
#include "tests/bench/load/ramp.h"
#include "tests/bench/wire/loop.h"
#include "tests/bench/wire/pattern.h"

namespace upgate::bench {

// Holds idle connections while somebody else inspects the gateway. Prints "open" when all are open.
// For every line "burst" on standard input, it sends one message on each connection and gets it
// back, some connections at a time, and prints "burst". Ends with standard input.
class IdleRun {
 public:
  IdleRun(Loop& loop, const Plan& plan);
  ~IdleRun();

  void Run();

 private:
  class Holder;

  void Burst();
  void OnEchoed();

  Loop& loop_;
  const Plan& plan_;
  const Pattern pattern_;
  Ramp ramp_;
  std::size_t begun_ = 0;
  std::size_t echoed_ = 0;
  std::vector<std::unique_ptr<Holder>> holders_;
};

}  // namespace upgate::bench
