#include "tests/bench/wire/loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

void Control(int epoll, int operation, int fd, std::uint32_t events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  if (epoll_ctl(epoll, operation, fd, &event) != 0) DieErrno("epoll_ctl");
}

}  // namespace

Loop::Loop(bool busy) : busy_(busy), epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferSize) {
  if (!epoll_) DieErrno("epoll_create1");
}

void Loop::Add(int fd, std::uint32_t events, Watcher& watcher) {
  Control(epoll_.get(), EPOLL_CTL_ADD, fd, events, watcher);
}

void Loop::Modify(int fd, std::uint32_t events, Watcher& watcher) {
  Control(epoll_.get(), EPOLL_CTL_MOD, fd, events, watcher);
}

void Loop::DeferDelete(std::unique_ptr<Watcher> watcher) {
  deferred_.push_back(std::move(watcher));
}

// Milliseconds to wait, rounded up so that the last turn does not spin.
int Loop::Wait(std::uint64_t deadline) {
  if (busy_) return 0;
  const std::uint64_t now = Now();
  if (now >= deadline) return 0;
  return static_cast<int>(std::min<std::uint64_t>((deadline - now) / 1'000'000 + 1, 1000));
}

void Loop::Turn(std::uint64_t deadline) {
  std::array<epoll_event, kBatch> events;
  const int wait = Wait(deadline);
  const std::uint64_t before = Now();
  const int count = epoll_wait(epoll_.get(), events.data(), kBatch, wait);
  if (count < 0 && errno != EINTR) DieErrno("epoll_wait");
  // A poll that returned events at once was not idle.
  if (count <= 0 || wait != 0) idle_ += Now() - before;
  for (int i = 0; i < count; ++i) {
    static_cast<Watcher*>(events[static_cast<std::size_t>(i)].data.ptr)
        ->OnEvents(events[static_cast<std::size_t>(i)].events);
  }
  deferred_.clear();
}

}  // namespace upgate::bench
