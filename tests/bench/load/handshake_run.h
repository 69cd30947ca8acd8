#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/bench/load/measurement.h"
#include "tests/bench/load/plan.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// Connects, upgrades, closes cleanly, and repeats, `connections` at a time. Each round counts as a
// message; its latency is from connecting to the 101.
class HandshakeRun {
 public:
  HandshakeRun(Loop& loop, const Plan& plan);
  ~HandshakeRun();

  // What Measurement reports; resumed: the share of TLS connections that resumed a session;
  // orderly: the share that ended with a Close in both directions.
  nlohmann::json Run();

 private:
  class Slot;

  Loop& loop_;
  const Plan& plan_;
  Measurement measurement_;
  std::uint64_t rounds_ = 0;
  std::uint64_t measured_ = 0;  // rounds within the measured time
  std::uint64_t resumed_ = 0;   // of these
  std::uint64_t orderly_ = 0;   // of these
  std::size_t next_source_ = 0;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace upgate::bench
