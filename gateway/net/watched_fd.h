#pragma once

#include <cstdint>
#include <utility>

#include "gateway/net/fd.h"
#include "gateway/net/loop.h"
#include "gateway/net/poller.h"

namespace upgate::net {

// A descriptor and its slot in the loop's poller. The destructor ends the watch and closes the
// descriptor.
class WatchedFd {
 public:
  WatchedFd(Loop& loop, UniqueFd fd) : loop_(&loop), fd_(std::move(fd)) {}
  WatchedFd(WatchedFd&& other) noexcept;
  WatchedFd& operator=(WatchedFd&&) = delete;
  ~WatchedFd();

  int get() const { return fd_.get(); }
  Loop& loop() const { return *loop_; }

  // Starts watching for `events` (of Poller), or changes them. `client` is not owned. Returns false
  // if the system cannot watch more: out of memory or watches.
  bool Watch(std::uint32_t events, Poller::Client& client);
  // Sends events to `client` from now on. Only while it is watched.
  void HandOver(Poller::Client& client) { loop_->poller().HandOver(place_, client); }
  // Turns keep-alive on once the connection has lasted for a while. Only while it is watched.
  void KeepAliveLater() { loop_->keep_alive().Add(place_, get()); }
  // See Poller::Rearm. Only while it is watched.
  void Rearm(std::uint32_t events) { loop_->poller().Rearm(place_, events); }

 private:
  Loop* loop_;
  UniqueFd fd_;
  Poller::Place place_ = Poller::kNowhere;
};

}  // namespace upgate::net
