#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/bench/load/flood_block.h"
#include "tests/bench/load/flooder.h"
#include "tests/bench/load/plan.h"
#include "tests/bench/load/ramp.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// Many flooders at once. Prints "open" when all connections are open, then floods for the plan's
// duration, or until standard input ends or the gateway is gone.
class FloodRun {
 public:
  FloodRun(Loop& loop, const Plan& plan);
  ~FloodRun();

  // seconds; units and bytes sent in that time; bytes received; reconnects and refused handshakes.
  nlohmann::json Run();

 private:
  Loop& loop_;
  const Plan& plan_;
  const FloodRules rules_;
  const FloodBlock block_;
  FloodTotals totals_;
  Ramp ramp_;
  std::vector<std::unique_ptr<Flooder>> flooders_;
};

}  // namespace upgate::bench
