#pragma once

#include <cstddef>
#include <functional>

#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// Opens many connections, some at a time, so that no queue of listeners overflows.
class Ramp {
 public:
  // `start` begins the connection of an index.
  Ramp(std::size_t total, std::move_only_function<void(std::size_t)> start);

  // One more is open.
  void OnOpen();
  // Returns once all are; ends the program when that takes too long.
  void Run(Loop& loop);

 private:
  const std::size_t total_;
  std::move_only_function<void(std::size_t)> start_;
  std::size_t started_ = 0;
  std::size_t open_ = 0;
};

}  // namespace upgate::bench
