#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/io/network.h"
#include "gateway/io/timers.h"

namespace upgate::upgrade {

// Closes many sessions of one loop over a time, evenly and with jitter, so that their clients do
// not all come back in the same moment. On the loop's thread.
class SpreadCloses final : private io::Timer::Owner {
 public:
  // No more are closed in one turn, however many are due: the others follow with the next tick of
  // the clock.
  static constexpr std::size_t kMostAtOnce = 256;

  struct Reason {
    std::uint16_t code = 0;
    std::string text;
    // Asked again when a session's turn comes; empty: it is closed in any case.
    std::function<bool(std::uint64_t session)> still_wanted;
  };
  // Is called for each session that is to be closed, which may have ended meanwhile. Never from
  // inside Add.
  using Close = std::function<void(std::uint64_t session, const Reason& reason)>;

  SpreadCloses(io::Timers& timers, io::Entropy& entropy, Close close)
      : timers_(timers), entropy_(entropy), close_(std::move(close)), timer_(timers, *this) {}

  // Of n sessions the i-th is closed somewhere in the i-th part of `spread`, of n equal ones.
  void Add(const std::vector<std::uint64_t>& sessions, io::Millis spread, Reason reason);

  // One of them, at a time of its own; Remove takes that back.
  void AddOne(std::uint64_t session, io::Instant at, std::shared_ptr<const Reason> reason);
  void Remove(std::uint64_t session, io::Instant at);

  // 0 to 1, for jitter.
  double Random();

  // Sessions that are waiting to be closed.
  std::size_t waiting() const { return due_.size(); }

 private:
  struct Due {
    std::uint64_t session;
    std::shared_ptr<const Reason> reason;
  };

  void OnTimer(io::Timer&) override;
  void Arm(io::Millis least = io::Millis{0});

  io::Timers& timers_;
  io::Entropy& entropy_;
  const Close close_;
  std::multimap<io::Instant, Due> due_;
  io::Timer timer_;
};

}  // namespace upgate::upgrade
