#include "gateway/net/poller.h"

#include "gateway/net/epoll_poller.h"
#include "gateway/net/uv_poller.h"

namespace upgate::net {
namespace {

// Events between two clock readings: an event typically takes some ten microseconds, a clock
// reading a twentieth of one.
constexpr std::uint32_t kEventsBetweenLooks = 4;

}  // namespace

Poller::Place Poller::TakeSlot() {
  if (first_free_ == kNowhere) {
    slots_.emplace_back();
    return static_cast<Place>(slots_.size() - 1);
  }
  const Place place = first_free_;
  first_free_ = slots_[place].next_free;
  return place;
}

void Poller::FreeSlot(Place place) {
  Slot& slot = slots_[place];
  slot.client = nullptr;
  ++slot.generation;
  slot.next_free = first_free_;
  first_free_ = place;
}

Poller::Place Poller::Add(int fd, std::uint32_t events, Client& client) {
  const Place place = TakeSlot();
  slots_[place].client = &client;
  if (!Watch(place, fd, events)) {
    FreeSlot(place);
    return kNowhere;
  }
  ++size_;
  return place;
}

void Poller::Remove(Place place) {
  Unwatch(place);
  FreeSlot(place);
  --size_;
}

bool Poller::DeliverOne(std::uint64_t key, std::uint32_t events, std::uint64_t deadline_ns) {
  if (Client* const client = ClientOf(key)) client->OnReady(events);
  return ++delivered_ % kEventsBetweenLooks == 0 && uv_hrtime() >= deadline_ns;
}

std::unique_ptr<Poller> MakePoller(PollerKind kind, uv_loop_t& loop) {
  if (kind == PollerKind::kUv) return std::make_unique<UvPoller>(loop);
#ifdef __linux__
  return EpollPoller::Make(loop);
#else
  return nullptr;
#endif
}

}  // namespace upgate::net
