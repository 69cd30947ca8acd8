#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gateway/base/client_counts.h"
#include "gateway/base/log.h"
#include "gateway/base/overload.h"
#include "gateway/base/proxy_header.h"
#include "gateway/base/result.h"
#include "gateway/base/shared_limit.h"
#include "gateway/base/shared_rate.h"
#include "gateway/io/seldom.h"
#include "gateway/stats/stats.h"

namespace upgate::http {

// The places for the clients of one listener, as one loop sees them: takes them out of the limits
// that all loops share, counts the connections, and tells the log when clients have to wait. A
// client has its place as long as its connection is open, upgraded or not. Runs on its loop's
// thread; outlives the loop, whose last deletions give places back.
class ClientPlaces {
 public:
  // Descriptors that a client may come to need: its own, and one for its server or for a file.
  static constexpr std::uint32_t kOfClient = 2;
  static constexpr std::uint32_t kOfServiceSession = 1;

  // nullptr: no limit. Borrowed.
  struct Limits {
    SharedLimit* connections = nullptr;
    SharedLimit* descriptors = nullptr;
    const std::uint64_t* process_limit = nullptr;  // for messages, beside `descriptors`
    io::Seldom* proxy_lines = nullptr;             // of CountProxyRefusal, over all loops
    ClientCounts* by_client = nullptr;             // connections of each client
    SharedRate* rate = nullptr;                    // of new connections
    const Overload* overload = nullptr;            // of the loop below
    std::size_t loop = 0;
  };

  // What one client holds; gives it back when it is destroyed.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : places_(std::exchange(other.places_, nullptr)),
          client_(std::move(other.client_)),
          descriptors_(other.descriptors_) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(places_, other.places_);
      std::swap(client_, other.client_);
      std::swap(descriptors_, other.descriptors_);
      return *this;
    }
    ~Place() {
      if (places_ != nullptr) places_->GiveBack(descriptors_);
    }
    explicit operator bool() const { return places_ != nullptr; }
    // Of the listener; nullptr for an empty place.
    const ClientPlaces* owner() const { return places_; }
    // Gives descriptors back that are not needed any more; at least one remains.
    void Keep(std::uint32_t descriptors);

   private:
    friend class ClientPlaces;
    Place(ClientPlaces& places, std::uint32_t descriptors)
        : places_(&places), descriptors_(descriptors) {}
    ClientPlaces* places_ = nullptr;
    ClientCounts::Taken client_;
    std::uint32_t descriptors_ = 0;
  };

  // Whoever holds clients back.
  class Waiter {
   public:
    // A place has become free on this loop. From inside destructors: nothing may be done at once.
    virtual void OnPlaceFree() = 0;

   protected:
    ~Waiter() = default;
  };

  // `listener` is its address, for the log. `owner` keeps what is borrowed, where somebody has to.
  ClientPlaces(std::string listener, Limits limits, stats::ListenerStats& stats, Log& log,
               std::shared_ptr<const void> owner = nullptr)
      : listener_(std::move(listener)),
        limits_(limits),
        stats_(stats),
        log_(log),
        owner_(std::move(owner)) {}
  ClientPlaces(const ClientPlaces&) = delete;
  ClientPlaces& operator=(const ClientPlaces&) = delete;

  const std::string& listener() const { return listener_; }
  stats::ListenerStats& stats() { return stats_; }
  // The connections of each client are limited: CountClient must be asked.
  bool counts_clients() const {
    return limits_.by_client != nullptr && limits_.by_client->most() != ClientCounts::kNone;
  }
  // Places taken and not given back.
  std::uint64_t taken() const { return taken_; }
  // The listener is not there any more; its clients are.
  void Retire() { retired_ = true; }
  bool retired() const { return retired_; }
  // Nobody refers to it any more.
  bool unused() const { return taken_ == 0 && waiter_ == nullptr; }
  void SetWaiter(Waiter* waiter) { waiter_ = waiter; }

  // A place for a new client; nothing when a limit is reached.
  std::optional<Place> TryTake();
  // Counts the connection of `place` for a client; false if the client has as many as it may.
  // Clients on unix sockets have no address and are not counted.
  static bool CountClient(Place& place, const SocketAddress& client);

  // Takes one of the connections that the listener's rate allows. Returns 0, or how long until
  // there is one.
  io::Millis TakeOfRate(const io::Timers& clock);
  // True if no handshake is to be begun now.
  bool refuses_handshakes() const {
    return limits_.overload != nullptr && limits_.overload->Of(limits_.loop).refuses_handshakes();
  }
  // For a connection that did not come after all.
  void GiveBackToRate(const io::Timers& clock);

  // A connection's place goes with its stream when that is handed over to a session: whoever takes
  // the stream calls these two around it, and the connection's owner calls OnConnectionDone in
  // between. What comes back is empty when the connection is not done.
  void BeginHandOver() { handing_over_ = true; }
  Place EndHandOver() {
    handing_over_ = false;
    return std::exchange(handed_over_, {});
  }
  void OnConnectionDone(Place& place) {
    if (handing_over_) handed_over_ = std::move(place);
  }

  // Clients begin to wait, for the limit that TryTake came upon last, or because the system
  // refused.
  void CountPause(io::Instant now);
  void CountPauseOfRate(io::Instant now);
  void CountPauseOfHandshakes(io::Instant now);
  void CountPauseOfSystem(const Error& error, io::Instant now);
  // Clients waited for too long.
  void CountRefusal(io::Instant now);
  // The connection from `peer` is closed, because it has no PROXY header that is believed.
  void CountProxyRefusal(const ProxyError& error, const SocketAddress& peer, io::Instant now);
  // The connection of `client` is closed before anything is read from it.
  void CountTurnedAway(stats::TurnedAway why, const SocketAddress& client, io::Instant now);

 private:
  void GiveBack(std::uint32_t descriptors);
  std::string WhyFull() const;
  void Warn(io::Seldom& seldom, std::string_view event, std::string_view why, io::Instant now);

  const std::string listener_;
  const Limits limits_;
  stats::ListenerStats& stats_;
  Log& log_;
  const std::shared_ptr<const void> owner_;
  std::uint64_t taken_ = 0;
  bool retired_ = false;
  Waiter* waiter_ = nullptr;
  bool handing_over_ = false;
  Place handed_over_;
  stats::WaitReason full_ = stats::WaitReason::kConnections;
  std::array<io::Seldom, stats::kWaitReasons> pauses_;
  io::Seldom refusals_;
  std::array<io::Seldom, stats::kTurnedAways> turned_away_;
};

}  // namespace upgate::http
