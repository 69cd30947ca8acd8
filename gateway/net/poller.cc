#include "gateway/net/poller.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace upgate::net {
namespace {

[[noreturn]] void DieOfErrno(const char* call) {
  std::fprintf(stderr, "event loop: %s: %s\n", call, std::strerror(errno));
  std::abort();
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) DieOfErrno("epoll_create1");
}

epoll_event Poller::EventFor(Place place, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{slots_[place].generation} << 32 | place;
  return event;
}

Poller::Place Poller::TakeSlot() {
  if (first_free_ == kNowhere) {
    slots_.emplace_back();
    return static_cast<Place>(slots_.size() - 1);
  }
  const Place place = first_free_;
  first_free_ = slots_[place].next_free;
  return place;
}

Poller::Place Poller::Add(int fd, std::uint32_t events, Client& client) {
  const Place place = TakeSlot();
  slots_[place].client = &client;
  ++size_;
  epoll_event event = EventFor(place, events);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return place;
  Remove(place);
  return kNowhere;
}

void Poller::Change(Place place, int fd, std::uint32_t events) {
  epoll_event event = EventFor(place, events);
  // Cannot fail for a descriptor that is in there.
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) DieOfErrno("epoll_ctl");
}

void Poller::Remove(Place place) {
  Slot& slot = slots_[place];
  slot.client = nullptr;
  ++slot.generation;
  slot.next_free = first_free_;
  first_free_ = place;
  --size_;
}

void Poller::Wait(int timeout_ms) {
  count_ = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  if (count_ >= 0) return;
  if (errno != EINTR) DieOfErrno("epoll_wait");
  count_ = 0;
}

}  // namespace upgate::net
