#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include <uv.h>

#include "gateway/net/handle.h"
#include "gateway/net/poller.h"

namespace upgate::net {

// A libuv handle for each descriptor, for systems without epoll. libuv watches level-triggered; for
// a client that asked for kEdge, a reported event is not watched again until the client calls
// Rearm.
class UvPoller final : public Poller {
 public:
  // See MakePoller. Uses the loop's `data`.
  explicit UvPoller(uv_loop_t& loop);

  void Change(Place place, int fd, std::uint32_t events) override;
  std::uint64_t Wait(int timeout_ms) override;
  bool Dispatch(std::uint64_t deadline_ns) override;

 private:
  struct Watched {
    UvHandle<uv_poll_t> handle;
    std::uint32_t wanted = 0;
    std::uint32_t armed = 0;    // those of wanted that libuv watches for
    std::uint32_t pending = 0;  // reported but not delivered yet
  };

  bool Watch(Place place, int fd, std::uint32_t events) override;
  void Unwatch(Place place) override;
  void RearmSlot(Place place, std::uint32_t events) override;
  void Start(Place place);
  void OnEvents(Place place, int status, int uv_events);

  uv_loop_t& loop_;
  UvHandle<uv_timer_t> timer_;       // the limit of Wait
  UvHandle<uv_check_t> check_;       // sets polled_ms_
  std::uint64_t polled_ms_ = 0;      // libuv's time when the last wait ended
  std::vector<Watched> watched_;     // indexed by place
  std::deque<std::uint64_t> ready_;  // keys with pending events, in order
};

}  // namespace upgate::net
