#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/base/bytes.h"
#include "gateway/base/fd.h"

namespace upgate::bench {

// Somebody who waits for a descriptor. Goes away only inside of its own OnEvents (by way of
// Loop::DeferDelete) or between two turns.
class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  virtual ~Watcher() = default;
  // EPOLLIN and so on.
  virtual void OnEvents(std::uint32_t events) = 0;
};

// epoll, level-triggered, on one thread. A busy loop never sleeps: the other end of its connections
// is then not charged for waking it.
class Loop {
 public:
  explicit Loop(bool busy);

  void Add(int fd, std::uint32_t events, Watcher& watcher);
  void Modify(int fd, std::uint32_t events, Watcher& watcher);
  // Lives until the end of this turn.
  void DeferDelete(std::unique_ptr<Watcher> watcher);

  // Handles what is ready; waits for that until the clock (clock.h) is at `deadline`, at most.
  void Turn(std::uint64_t deadline);

  // For reading into; contents last until the next call into the loop.
  MutableBytes buffer() { return buffer_; }
  // How long the loop had nothing to do, asleep or spinning, in nanoseconds since it was made.
  std::uint64_t idle() const { return idle_; }

 private:
  int Wait(std::uint64_t deadline);

  static constexpr std::size_t kBufferSize = 256 * 1024;
  static constexpr std::size_t kBatch = 256;

  const bool busy_;
  UniqueFd epoll_;
  std::uint64_t idle_ = 0;
  std::vector<std::byte> buffer_;
  std::vector<std::unique_ptr<Watcher>> deferred_;
};

}  // namespace upgate::bench
