#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/bench/load/measurement.h"
#include "tests/bench/load/plan.h"
#include "tests/bench/load/ramp.h"
#include "tests/bench/wire/loop.h"
#include "tests/bench/wire/pattern.h"

namespace upgate::bench {

enum class Direction : std::uint8_t {
  kEcho,  // `window` messages per connection are in flight and come back
  kUp,    // clients send as fast as they can
  kDown,  // the server sends as fast as it can
};

// Messages over many connections at once; every byte received is compared with what was sent.
class FlowRun {
 public:
  FlowRun(Loop& loop, const Plan& plan, Direction direction);
  ~FlowRun();

  // What Measurement reports, and silent: the number of connections without a message in the
  // measured time.
  nlohmann::json Run();

 private:
  class Flow;

  Loop& loop_;
  const Plan& plan_;
  const Direction direction_;
  const Pattern pattern_;
  Measurement measurement_;
  Ramp ramp_;
  std::uint64_t messages_ = 0;
  std::vector<std::unique_ptr<Flow>> flows_;
};

}  // namespace upgate::bench
