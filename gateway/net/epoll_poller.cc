#include "gateway/net/epoll_poller.h"

#ifdef __linux__

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace upgate::net {
namespace {

static_assert(Poller::kReadable == EPOLLIN && Poller::kUrgent == EPOLLPRI &&
              Poller::kWritable == EPOLLOUT && Poller::kError == EPOLLERR &&
              Poller::kHangUp == EPOLLHUP && Poller::kPeerEnd == EPOLLRDHUP &&
              Poller::kEdge == EPOLLET);

// No client's: its place would be kNowhere.
constexpr std::uint64_t kLibuv = ~std::uint64_t{0};

[[noreturn]] void DieOfErrno(const char* call) {
  std::fprintf(stderr, "event loop: %s: %s\n", call, std::strerror(errno));
  std::abort();
}

epoll_event EventFor(std::uint64_t key, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = key;
  return event;
}

}  // namespace

std::unique_ptr<EpollPoller> EpollPoller::Make(uv_loop_t& loop) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return nullptr;
  epoll_event event = EventFor(kLibuv, kReadable);
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, uv_backend_fd(&loop), &event) != 0) return nullptr;
  return std::unique_ptr<EpollPoller>(new EpollPoller(loop, std::move(epoll)));
}

bool EpollPoller::Watch(Place place, int fd, std::uint32_t events) {
  epoll_event event = EventFor(KeyOf(place), events);
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EpollPoller::Change(Place place, int fd, std::uint32_t events) {
  epoll_event event = EventFor(KeyOf(place), events);
  // Cannot fail for a descriptor in the set.
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) DieOfErrno("epoll_ctl");
}

std::uint64_t EpollPoller::Wait(int timeout_ms) {
  // The events that are left do not hold up libuv's handles.
  bool uv_is_ready = next_ < count_;
  if (!uv_is_ready) {
    next_ = 0;
    const int count =
        ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
    if (count < 0 && errno != EINTR) DieOfErrno("epoll_wait");
    count_ = static_cast<std::size_t>(std::max(count, 0));
    const auto events = std::span(events_).first(count_);
    const auto uv =
        std::ranges::find(events, kLibuv, [](const epoll_event& event) { return event.data.u64; });
    uv_is_ready = uv != events.end();
    if (uv_is_ready) *uv = events_[--count_];
  }
  uv_update_time(&loop_);
  const std::uint64_t now = uv_now(&loop_);
  if (uv_is_ready) uv_run(&loop_, UV_RUN_NOWAIT);
  return now;
}

bool EpollPoller::Dispatch(std::uint64_t deadline_ns) {
  while (next_ < count_) {
    const epoll_event& event = events_[next_++];
    // With many connections the next client is no longer in the cache.
    if (next_ < count_) __builtin_prefetch(ClientOf(events_[next_].data.u64));
    if (DeliverOne(event.data.u64, event.events, deadline_ns)) break;
  }
  return next_ < count_;
}

}  // namespace upgate::net

#endif
