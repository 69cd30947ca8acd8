#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <uv.h>

namespace upgate::net {

// Notifies its clients when their descriptors are ready. Clients are looked up through a table with
// generation counters, so that an event for a removed client is ignored. Not thread-safe.
//
// Two implementations: EpollPoller, an epoll set that contains libuv's, and UvPoller, a libuv
// handle per descriptor, for systems without epoll. Wait collects events and runs the callbacks of
// libuv's other handles; Dispatch delivers the events.
class Poller {
 public:
  // Events that a descriptor is ready for. The values are those of epoll(7).
  static constexpr std::uint32_t kReadable = 0x001;
  static constexpr std::uint32_t kUrgent = 0x002;
  static constexpr std::uint32_t kWritable = 0x004;
  static constexpr std::uint32_t kError = 0x008;     // reported without being requested
  static constexpr std::uint32_t kHangUp = 0x010;    // reported without being requested
  static constexpr std::uint32_t kPeerEnd = 0x2000;  // the peer has shut down its writing side
  static constexpr std::uint32_t kEdge =
      1U << 31;  // edge-triggered: report each change once; see Rearm

  class Client {
   public:
    // The client may be removed or destroyed inside this call.
    virtual void OnReady(std::uint32_t events) = 0;

   protected:
    ~Client() = default;
  };

  // A client's slot in the table.
  using Place = std::uint32_t;
  static constexpr Place kNowhere = ~Place{0};

  virtual ~Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // The client is not owned. Returns kNowhere if the system has no memory or no watches left.
  Place Add(int fd, std::uint32_t events, Client& client);
  virtual void Change(Place place, int fd, std::uint32_t events) = 0;
  // Events go to `client` from now on.
  void HandOver(Place place, Client& client) { slots_[place].client = &client; }
  // The descriptor must be closed directly afterwards, which ends the watch.
  void Remove(Place place);
  // With kEdge: the client has used up `events`, or starts to wait for them, and wants to be
  // notified of the next change. epoll does not need this.
  void Rearm(Place place, std::uint32_t events) {
    if (rearms_) RearmSlot(place, events);
  }

  // Waits until a descriptor or a handle of libuv is ready, for at most `timeout_ms` (-1: without a
  // limit). Returns libuv's time in milliseconds when the wait ended, before the callbacks. Does
  // not wait if collected events are left.
  virtual std::uint64_t Wait(int timeout_ms) = 0;

  // Delivers collected events until none is left or uv_hrtime() passes `deadline_ns`, but at least
  // one. Returns whether events are left.
  virtual bool Dispatch(std::uint64_t deadline_ns) = 0;

  // Number of clients added and not removed.
  std::size_t size() const { return size_; }

  // Identifies a client for as long as it keeps its slot.
  std::uint64_t KeyOf(Place place) const {
    return std::uint64_t{slots_[place].generation} << 32 | place;
  }
  // Whether the client of that key still has its slot, and so its descriptor.
  bool IsWatched(std::uint64_t key) const { return ClientOf(key) != nullptr; }

 protected:
  // `rearms`: whether the implementation needs Rearm.
  explicit Poller(bool rearms) : rearms_(rearms) {}

  // The client of an event; nullptr if it was removed.
  Client* ClientOf(std::uint64_t key) const {
    const Slot& slot = slots_[static_cast<Place>(key)];
    return slot.generation == key >> 32 ? slot.client : nullptr;
  }
  // Delivers one event; returns whether the deadline has passed. Does not read the clock every
  // time.
  bool DeliverOne(std::uint64_t key, std::uint32_t events, std::uint64_t deadline_ns);

 private:
  struct Slot {
    Client* client = nullptr;      // nullptr: free
    std::uint32_t generation = 0;  // incremented by every Remove
    Place next_free = kNowhere;
  };

  // Returns false if the system refuses.
  virtual bool Watch(Place place, int fd, std::uint32_t events) = 0;
  virtual void Unwatch(Place) {}
  virtual void RearmSlot(Place, std::uint32_t) {}
  Place TakeSlot();
  void FreeSlot(Place place);

  const bool rearms_;
  std::vector<Slot> slots_;
  Place first_free_ = kNowhere;
  std::size_t size_ = 0;
  std::uint32_t delivered_ = 0;
};

enum class PollerKind : std::uint8_t { kEpoll, kUv };
#ifdef __linux__
inline constexpr PollerKind kBestPoller = PollerKind::kEpoll;
#else
inline constexpr PollerKind kBestPoller = PollerKind::kUv;
#endif

// `loop` is borrowed and must outlive the poller; it has to run once more after the poller is
// destroyed, to free its handles, and before Wait to watch handles that were started since. Returns
// nullptr if the system has no descriptors left or does not support `kind`.
std::unique_ptr<Poller> MakePoller(PollerKind kind, uv_loop_t& loop);

}  // namespace upgate::net
