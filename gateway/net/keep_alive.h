#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "gateway/io/timers.h"
#include "gateway/net/poller.h"

namespace upgate::net {

// Turns keep-alive on for connections to servers that last. That takes several system calls, which
// short sessions are spared; accepted sockets inherit it from their listener. One per loop.
class KeepAlive final : private io::Timer::Owner {
 public:
  // The age at which a connection gets it.
  static constexpr io::Millis kAge{10'000};
  // How many connections wait at most: the oldest of more gets it early.
  static constexpr std::size_t kMostWaiting = 1024;

  // Both must outlive it.
  KeepAlive(const Poller& poller, io::Timers& timers);

  // `fd`: a TCP socket that is watched at `place`. Nothing happens if it is closed before its time.
  void Add(Poller::Place place, int fd);

 private:
  struct Young {
    std::uint64_t key;  // of the poller
    int fd;
    io::Instant due;
  };

  void TakeOldest();
  void OnTimer(io::Timer& timer) override;

  const Poller& poller_;
  io::Timers& timers_;
  std::deque<Young> young_;  // by age
  io::Timer timer_;
};

}  // namespace upgate::net
