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

// Closes many sessions of one loop spread over a time, evenly and with jitter, so that their
// clients do not all reconnect at the same moment. On the loop's thread.
class SpreadCloses final : private io::Timer::Owner {
 public:
  // Upper bound per turn of the loop, however many are due. The rest follows at the next tick.
  static constexpr std::size_t kMostAtOnce = 256;

  struct Reason {
    std::uint16_t code = 0;
    std::string text;
    // Checked again just before the session is closed; empty: it is closed in any case.
    std::function<bool(std::uint64_t session)> still_wanted;
  };
  // Called for each session to close, which may have ended in the meantime. Never from inside Add.
  using Close = std::function<void(std::uint64_t session, const Reason& reason)>;

  SpreadCloses(io::Timers& timers, io::Entropy& entropy, Close close)
      : timers_(timers), entropy_(entropy), close_(std::move(close)), timer_(timers, *this) {}

  // Divides `spread` into as many equal parts as there are sessions, and closes one session at a
  // random time in each part.
  void Add(const std::vector<std::uint64_t>& sessions, io::Millis spread, Reason reason);

  // Schedules one session at a given time; Remove, with the same time, cancels that.
  void AddOne(std::uint64_t session, io::Instant at, std::shared_ptr<const Reason> reason);
  void Remove(std::uint64_t session, io::Instant at);

  // The number of sessions that are still to be closed.
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
