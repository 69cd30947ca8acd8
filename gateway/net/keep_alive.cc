#include "gateway/net/keep_alive.h"

#include "gateway/net/socket.h"

namespace upgate::net {

KeepAlive::KeepAlive(const Poller& poller, io::Timers& timers)
    : poller_(poller), timers_(timers), timer_(timers, *this) {}

void KeepAlive::Add(Poller::Place place, int fd) {
  if (young_.size() == kMostWaiting) TakeOldest();
  young_.push_back({poller_.KeyOf(place), fd, timers_.Now() + kAge});
  if (!timer_.armed()) timer_.Arm(kAge);
}

void KeepAlive::TakeOldest() {
  const Young oldest = young_.front();
  young_.pop_front();
  if (poller_.IsWatched(oldest.key)) SetKeepAlive(oldest.fd);
}

void KeepAlive::OnTimer(io::Timer&) {
  const io::Instant now = timers_.Now();
  while (!young_.empty() && young_.front().due <= now) TakeOldest();
  if (!young_.empty()) timer_.Arm(young_.front().due - now);
}

}  // namespace upgate::net
