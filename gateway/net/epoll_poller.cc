#include "gateway/net/epoll_poller.h"

#ifdef __linux__

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace upgate::net {
namespace {

static_assert(Poller::kReadable == EPOLLIN && Poller::kUrgent == EPOLLPRI &&
              Poller::kWritable == EPOLLOUT && Poller::kError == EPOLLERR &&
              Poller::kHangUp == EPOLLHUP && Poller::kPeerEnd == EPOLLRDHUP &&
              Poller::kEdge == EPOLLET);

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
  const int fd = epoll.get();
  std::unique_ptr<EpollPoller> poller(new EpollPoller(std::move(epoll)));
  poller->handle_ = MakeHandle<uv_poll_t, int>(&loop, uv_poll_init, fd);
  if (!poller->handle_) return nullptr;
  poller->handle_->data = poller.get();
  // libuv watches level-triggered: the set stays readable while it has events.
  const int error =
      uv_poll_start(poller->handle_.get(), UV_READABLE, [](uv_poll_t* handle, int, int) {
        static_cast<EpollPoller*>(handle->data)->readable_ = true;
      });
  return error == 0 ? std::move(poller) : nullptr;
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

void EpollPoller::Fetch() {
  readable_ = false;
  next_ = count_ = 0;
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0);
  if (count >= 0) {
    count_ = static_cast<std::size_t>(count);
  } else if (errno != EINTR) {
    DieOfErrno("epoll_wait");
  }
}

bool EpollPoller::Dispatch(std::uint64_t deadline_ns) {
  if (next_ == count_ && readable_) Fetch();
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
