#pragma once

#ifdef __linux__

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <uv.h>

#include "gateway/net/fd.h"
#include "gateway/net/handle.h"
#include "gateway/net/poller.h"

namespace upgate::net {

// A separate epoll set, nested in libuv's as one handle. libuv calls epoll_ctl(2) for every change
// of the watched events, some twenty times in the life of a connection; a separate edge-triggered
// set needs two calls.
class EpollPoller final : public Poller {
 public:
  // See MakePoller.
  static std::unique_ptr<EpollPoller> Make(uv_loop_t& loop);

  void Change(Place place, int fd, std::uint32_t events) override;
  bool Dispatch(std::uint64_t deadline_ns) override;

 private:
  explicit EpollPoller(UniqueFd epoll) : Poller(false), epoll_(std::move(epoll)) {}

  bool Watch(Place place, int fd, std::uint32_t events) override;
  void Fetch();

  UniqueFd epoll_;
  UvHandle<uv_poll_t> handle_;  // destroyed before the descriptor that it watches
  bool readable_ = false;       // the epoll set has events
  std::size_t next_ = 0;        // index of the first event not delivered yet
  std::size_t count_ = 0;
  std::array<epoll_event, 512> events_;
};

}  // namespace upgate::net

#endif
