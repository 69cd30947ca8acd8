#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/base/bytes.h"
#include "gateway/base/fd.h"

namespace upgate::bench {

// Waits for events of a descriptor. May be destroyed only between two turns, or inside its own
// OnEvents through Loop::DeferDelete.
class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  virtual ~Watcher() = default;
  // EPOLLIN and so on.
  virtual void OnEvents(std::uint32_t events) = 0;
};

// Level-triggered epoll on one thread. A busy loop never sleeps, so its peers are not charged for
// waking it.
class Loop {
 public:
  explicit Loop(bool busy);

  void Add(int fd, std::uint32_t events, Watcher& watcher);
  void Modify(int fd, std::uint32_t events, Watcher& watcher);
  // Deletes the watcher at the end of this turn.
  void DeferDelete(std::unique_ptr<Watcher> watcher);

  // Handles ready descriptors, waiting for them until the clock (clock.h) reaches `deadline`.
  void Turn(std::uint64_t deadline);

  // A read buffer; valid until the next call into the loop.
  MutableBytes buffer() { return buffer_; }
  // Idle time, asleep or spinning, in nanoseconds since the loop was created.
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
