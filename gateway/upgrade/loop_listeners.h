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

// The listeners of one loop: for each its sockets, its clients and its way into the gateway. One
// that a new configuration has, too, keeps all of that; one that it has not stops listening and
// goes when the last of its connections does, while their sessions stay where they are. On the
// loop's thread.
class LoopListeners {
 public:
  // What clients may have come by; outlives the loop, whose last deletions give places back.
  using Places = std::list<http::ClientPlaces>;

  // `index` of the loop. Everything is borrowed and outlives the listeners.
  LoopListeners(Gateway& gateway, tls::Scratch& scratch, Places& places, std::size_t index)
      : gateway_(gateway), scratch_(scratch), places_(places), index_(index) {}
  ~LoopListeners();

  // Takes over the listeners of a configuration; new ones have no sockets yet. Returns whether any
  // is gone.
  bool Adopt(const Generation& generation);

  // Opens a socket of a listener, by its index in the configuration.
  Result<SocketAddress> Listen(std::size_t listener, const SocketAddress& address,
                               const io::ListenOptions& options);
  Result<SocketAddress> Listen(std::size_t listener, std::unique_ptr<io::BoundSocket> socket);

  // Stops listening; see http::Front. `empty` is called when a listener has no connection left: it
  // may have been the last. From deep inside of other calls.
  void Drain(std::function<void()> empty);
  // No connection is left that is not a session.
  bool empty() const;
  // Ends every connection at once.
  void Abandon();

  http::Front& front(std::size_t listener) { return *entries_[listener]->front; }
  // Listeners that are gone, but for their last connections.
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
  std::vector<std::unique_ptr<Entry>> entries_;  // as in the configuration
  std::vector<std::unique_ptr<Entry>> retired_;
  std::function<void()> empty_;  // of Drain
};

}  // namespace upgate::upgrade
