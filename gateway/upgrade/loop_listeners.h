#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "gateway/http/client_places.h"
#include "gateway/http/front.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/port.h"

namespace upgate::upgrade {

// The listeners of one loop: for each its sockets, its client connections and its entry into the
// gateway. A listener that a new configuration still has keeps all of them. A listener that it does
// not have any more stops listening, and is deleted after its last connection; the sessions of that
// listener are unaffected. On the loop's thread.
class LoopListeners {
 public:
  // The connection limits of all listeners. Must outlive the loop, whose last deferred deletions
  // return places to them.
  using Places = std::list<http::ClientPlaces>;

  // `index` is the loop's. Everything is borrowed and outlives the listeners.
  LoopListeners(Gateway& gateway, tls::Scratch& scratch, Places& places, std::size_t index)
      : gateway_(gateway), scratch_(scratch), places_(places), index_(index) {}
  ~LoopListeners();

  // Applies the listeners of a generation. New ones have no sockets until Listen. Returns true if
  // any previous listener is gone.
  bool Adopt(const Generation& generation);

  // Opens a socket of the listener with this index in the configuration.
  Result<SocketAddress> Listen(std::size_t listener, const SocketAddress& address,
                               const io::ListenOptions& options);
  Result<SocketAddress> Listen(std::size_t listener, std::unique_ptr<io::BoundSocket> socket);

  // Stops listening; see http::Front. `empty` is called each time a listener has no connection
  // left, possibly from inside other calls: check empty() later, not inside it.
  void Drain(std::function<void()> empty);
  // True if no connection is left, apart from those of sessions.
  bool empty() const;
  // Aborts every connection.
  void Abort();

  http::Front& front(std::size_t listener) { return *entries_[listener]->front; }
  // The number of removed listeners that still have connections.
  std::size_t retired() const { return retired_.size(); }

 private:
  struct Entry final : io::Deletable {
    http::ClientPlaces* places = nullptr;
    std::unique_ptr<Port> port;
    std::unique_ptr<http::Front> front;
  };

  std::unique_ptr<Entry> MakeEntry(const Generation& generation,
                                   const std::shared_ptr<const ListenerRecord>& record);
  void Retire(std::unique_ptr<Entry> entry);
  void OnRetiredEmpty(Entry& entry);

  Gateway& gateway_;
  tls::Scratch& scratch_;
  Places& places_;
  const std::size_t index_;
  std::vector<std::unique_ptr<Entry>> entries_;  // in the order of the configuration
  std::vector<std::unique_ptr<Entry>> retired_;
  std::function<void()> empty_;  // of Drain
};

}  // namespace upgate::upgrade
