#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <vector>

#include "gateway/net/fd.h"

namespace upgate::net {

// Tells its clients when their descriptors are ready: an epoll instance, and a table of who waits
// for what. The table stands between them so that an event for somebody who has gone meanwhile
// finds nobody. Not thread-safe.
class Poller {
 public:
  class Client {
   public:
    // `events`: epoll's bits. The client may leave, or be destroyed, in here.
    virtual void OnReady(std::uint32_t events) = 0;

   protected:
    ~Client() = default;
  };

  // A client's place in the table.
  using Place = std::uint32_t;
  static constexpr Place kNowhere = ~Place{0};

  // Aborts when the system has no descriptor left for it.
  Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // `events` as in epoll_ctl(2). The client is not owned. kNowhere when the system has no memory or
  // no watches left.
  Place Add(int fd, std::uint32_t events, Client& client);
  void Change(Place place, int fd, std::uint32_t events);
  // From now on `client` is told.
  void HandOver(Place place, Client& client) { slots_[place].client = &client; }
  // The descriptor must be closed right after, which is what takes it away from the system.
  void Remove(Place place);

  // Waits for events; without end when `timeout_ms` is negative.
  void Wait(int timeout_ms);
  // Tells those whose events Wait has brought, and calls `between` after each.
  template <class Between>
  void Dispatch(Between&& between) {
    for (int i = 0; i < count_; ++i) {
      // With many connections none is in the cache any more when its turn comes.
      if (i + 1 < count_) __builtin_prefetch(ClientOf(events_[static_cast<std::size_t>(i) + 1]));
      const epoll_event& event = events_[static_cast<std::size_t>(i)];
      if (Client* const client = ClientOf(event)) client->OnReady(event.events);
      between();
    }
    count_ = 0;
  }

  // How many have been added and not removed.
  std::size_t size() const { return size_; }

 private:
  struct Slot {
    Client* client = nullptr;      // nullptr: free
    std::uint32_t generation = 0;  // goes up with every Remove
    Place next_free = kNowhere;
  };

  epoll_event EventFor(Place place, std::uint32_t events) const;
  // Whom an event is for; nullptr when they have gone.
  Client* ClientOf(const epoll_event& event) const {
    const Slot& slot = slots_[static_cast<Place>(event.data.u64)];
    return slot.generation == event.data.u64 >> 32 ? slot.client : nullptr;
  }
  Place TakeSlot();

  UniqueFd epoll_;
  std::vector<Slot> slots_;
  Place first_free_ = kNowhere;
  std::size_t size_ = 0;
  std::array<epoll_event, 512> events_;
  int count_ = 0;
};

}  // namespace upgate::net
