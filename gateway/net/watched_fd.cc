#include "gateway/net/watched_fd.h"

#include <utility>

namespace upgate::net {

WatchedFd::WatchedFd(WatchedFd&& other) noexcept
    : loop_(other.loop_),
      fd_(std::move(other.fd_)),
      place_(std::exchange(other.place_, Poller::kNowhere)) {}

WatchedFd::~WatchedFd() {
  if (place_ != Poller::kNowhere) loop_->poller().Remove(place_);
}

bool WatchedFd::Watch(std::uint32_t events, Poller::Client& client) {
  if (place_ == Poller::kNowhere) {
    place_ = loop_->poller().Add(get(), events, client);
    return place_ != Poller::kNowhere;
  }
  HandOver(client);
  loop_->poller().Change(place_, get(), events);
  return true;
}

}  // namespace upgate::net
