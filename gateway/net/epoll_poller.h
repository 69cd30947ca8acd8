#pragma once

#ifdef __linux__

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <uv.h>

#include "gateway/net/fd.h"
#include "gateway/net/poller.h"

namespace upgate::net {

// A separate epoll set: libuv calls epoll_ctl(2) for every change of the watched events, some
// twenty times in the life of a connection; an edge-triggered set needs two calls.
//
// The descriptor of libuv's loop is in the set, and not the other way round: every event in a
// nested set costs the kernel more, and additions to one take a lock of the whole system.
class EpollPoller final : public Poller {
 public:
  // See MakePoller.
  static std::unique_ptr<EpollPoller> Make(uv_loop_t& loop);

  void Change(Place place, int fd, std::uint32_t events) override;
  std::uint64_t Wait(int timeout_ms) override;
  bool Dispatch(std::uint64_t deadline_ns) override;

 private:
  EpollPoller(uv_loop_t& loop, UniqueFd epoll)
      : Poller(false), loop_(loop), epoll_(std::move(epoll)) {}

  bool Watch(Place place, int fd, std::uint32_t events) override;

  uv_loop_t& loop_;
  UniqueFd epoll_;
  std::size_t next_ = 0;  // index of the first event not delivered yet
  std::size_t count_ = 0;
  std::array<epoll_event, 512> events_;
};

}  // namespace upgate::net

#endif
