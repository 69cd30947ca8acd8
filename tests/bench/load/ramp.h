#pragma once

#include <cstddef>
#include <functional>

#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// Opens many connections, some at a time, so that the listen backlog does not overflow.
class Ramp {
 public:
  // `start` starts the connection with this index.
  Ramp(std::size_t total, std::move_only_function<void(std::size_t)> start);

  // Another connection is open.
  void OnOpen();
  // Returns when all are open; ends the program if that takes too long.
  void Run(Loop& loop);

 private:
  const std::size_t total_;
  std::move_only_function<void(std::size_t)> start_;
  std::size_t started_ = 0;
  std::size_t open_ = 0;
};

}  // namespace upgate::bench
