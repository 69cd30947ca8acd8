#include "gateway/net/uv_poller.h"

#include <utility>

namespace upgate::net {
namespace {

int ToUv(std::uint32_t events) {
  int uv = 0;
  if ((events & Poller::kReadable) != 0) uv |= UV_READABLE;
  if ((events & Poller::kWritable) != 0) uv |= UV_WRITABLE;
  if ((events & Poller::kPeerEnd) != 0) uv |= UV_DISCONNECT;
  if ((events & Poller::kUrgent) != 0) uv |= UV_PRIORITIZED;
  return uv;
}

std::uint32_t FromUv(int uv) {
  std::uint32_t events = 0;
  if ((uv & UV_READABLE) != 0) events |= Poller::kReadable;
  if ((uv & UV_WRITABLE) != 0) events |= Poller::kWritable;
  if ((uv & UV_DISCONNECT) != 0) events |= Poller::kPeerEnd;
  if ((uv & UV_PRIORITIZED) != 0) events |= Poller::kUrgent;
  return events;
}

// The handle stores its place as a number because the table may be reallocated.
void* AsData(Poller::Place place) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<void*>(std::uintptr_t{place} + 1);
}
Poller::Place PlaceOf(const uv_poll_t* handle) {
  return static_cast<Poller::Place>(reinterpret_cast<std::uintptr_t>(handle->data) - 1);
}

}  // namespace

UvPoller::UvPoller(uv_loop_t& loop)
    : Poller(true),
      loop_(loop),
      timer_(MakeHandle<uv_timer_t>(&loop, uv_timer_init)),
      check_(MakeHandle<uv_check_t>(&loop, uv_check_init)) {
  loop.data = this;
  uv_check_start(check_.get(), [](uv_check_t* check) {
    static_cast<UvPoller*>(check->loop->data)->polled_ms_ = uv_now(check->loop);
  });
}

bool UvPoller::Watch(Place place, int fd, std::uint32_t events) {
  if (watched_.size() <= place) watched_.resize(place + std::size_t{1});
  auto handle = MakeHandle<uv_poll_t, int>(&loop_, uv_poll_init, fd);
  if (!handle) return false;
  handle->data = AsData(place);
  watched_[place] = {std::move(handle), events, events & ~kEdge, 0};
  Start(place);
  return true;
}

void UvPoller::Unwatch(Place place) {
  watched_[place] = {};
}

void UvPoller::Change(Place place, int, std::uint32_t events) {
  Watched& watched = watched_[place];
  watched.wanted = events;
  watched.armed = events & ~kEdge;
  watched.pending &= events | kError | kHangUp;
  Start(place);
}

void UvPoller::RearmSlot(Place place, std::uint32_t events) {
  Watched& watched = watched_[place];
  const std::uint32_t armed = watched.armed | (watched.wanted & events & ~kEdge);
  if (std::exchange(watched.armed, armed) != armed) Start(place);
}

void UvPoller::Start(Place place) {
  Watched& watched = watched_[place];
  uv_poll_t* const handle = watched.handle.get();
  const int events = ToUv(watched.armed);
  if (events == 0) {
    uv_poll_stop(handle);
    return;
  }
  uv_poll_start(handle, events, [](uv_poll_t* ready, int status, int uv_events) {
    static_cast<UvPoller*>(ready->loop->data)->OnEvents(PlaceOf(ready), status, uv_events);
  });
}

void UvPoller::OnEvents(Place place, int status, int uv_events) {
  Watched& watched = watched_[place];
  const std::uint32_t events = status < 0 ? kError | kHangUp : FromUv(uv_events);
  if (watched.pending == 0) ready_.push_back(KeyOf(place));
  watched.pending |= events;
  if (status < 0) {
    watched.armed = 0;  // libuv has stopped the handle
  } else if ((watched.wanted & kEdge) != 0) {
    watched.armed &= ~events;
    Start(place);
  }
}

std::uint64_t UvPoller::Wait(int timeout_ms) {
  const bool waits = timeout_ms != 0 && ready_.empty();
  if (waits && timeout_ms > 0) {
    uv_update_time(&loop_);
    uv_timer_start(timer_.get(), [](uv_timer_t*) {}, static_cast<std::uint64_t>(timeout_ms), 0);
  }
  uv_run(&loop_, waits ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  uv_timer_stop(timer_.get());
  return polled_ms_;
}

bool UvPoller::Dispatch(std::uint64_t deadline_ns) {
  // Events reported meanwhile wait for the next turn.
  for (std::size_t left = ready_.size(); left > 0; --left) {
    const std::uint64_t key = ready_.front();
    ready_.pop_front();
    if (ClientOf(key) == nullptr) continue;
    const std::uint32_t events = std::exchange(watched_[static_cast<Place>(key)].pending, 0);
    if (events != 0 && DeliverOne(key, events, deadline_ns)) break;
  }
  return !ready_.empty();
}

}  // namespace upgate::net
