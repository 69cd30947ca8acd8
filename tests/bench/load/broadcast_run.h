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

// One connection publishes, all others receive every message. The next message is published when
// the one `window` before it has reached everybody. Each delivery counts as a message; its latency
// starts at publishing.
class BroadcastRun {
 public:
  BroadcastRun(Loop& loop, const Plan& plan);
  ~BroadcastRun();

  nlohmann::json Run();  // what Measurement reports

 private:
  class Member;

  void Publish();
  // A subscriber has received these messages.
  void OnDelivered(std::uint64_t first, std::uint64_t count);

  Loop& loop_;
  const Plan& plan_;
  const Pattern pattern_;
  Measurement measurement_;
  Ramp ramp_;
  std::uint64_t deliveries_ = 0;
  std::uint64_t published_ = 0;
  std::vector<std::uint64_t> published_at_;       // ring buffer for the messages in flight
  std::vector<std::uint64_t> missing_;            // subscribers that have not got them yet
  std::vector<std::unique_ptr<Member>> members_;  // the first one publishes
};

}  // namespace upgate::bench
