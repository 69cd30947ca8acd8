#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/http/client_places.h"
#include "gateway/http/hold_back.h"
#include "gateway/http/proxied_stream.h"
#include "gateway/http/server_connection.h"
#include "gateway/io/network.h"
#include "gateway/tls/context.h"
#include "gateway/tls/context_cell.h"

namespace upgate::http {

// The place where clients come in on one loop: one listener's sockets, TLS where it has any, and
// the HTTP connections that have not been upgraded. Owned by the worker; on its loop's thread.
//
// A client is taken when there is a place for it, for as long as its connection lives. Others wait
// in the backlog, or are refused: see HoldBack.
class Front final : private io::AcceptHandler,
                    private ClientPlaces::Waiter,
                    private io::Timer::Owner,
                    private io::Later {
 public:
  using Options = std::shared_ptr<const ServerOptions>;
  // nullptr for a plain listener.
  using Tls = std::shared_ptr<const tls::ContextCell<tls::ServerContext>>;
  // What is demanded of connections before anything else is read from them. nullptr: nothing.
  struct Entry {
    // Those whose PROXY header is believed, where every connection has to begin with one.
    std::shared_ptr<const config::TrustedProxies> proxies;
    std::shared_ptr<const config::Access> access;
    // Proxies, whose connections are those of many clients: not counted by client.
    std::shared_ptr<const config::AddressSet> uncounted;
  };

  // How many TLS handshakes are begun on a loop that is busy: more would only wait for others.
  // Connections in the backlog have no timeout that runs, and take no memory of the process.
  static constexpr std::size_t kMostHandshakes = 256;
  // And on any loop: slow clients must not wait for too many others.
  static constexpr std::size_t kMostAtWork = 1024;
  // How many handshakes of a loop may wait for their clients; each takes some 50 KiB. Beyond that,
  // those that have waited for kHandshakePatience make room, the one that has waited longest first:
  // clients that stop in the middle must not keep others out until head_timeout.
  static constexpr std::size_t kMostUnfinished = 4096;
  static constexpr io::Millis kHandshakePatience{2'000};
  // How often to look again whether there are fewer.
  static constexpr io::Millis kHandshakeInterval{10};

  // What is borrowed outlives the front.
  Front(io::Loop loop, Options options, Tls tls, Entry entry, tls::Scratch& scratch,
        RequestHandler& handler, ClientPlaces& places);
  ~Front();

  Result<SocketAddress> Listen(const SocketAddress& address, const io::ListenOptions& options);

  Result<SocketAddress> Listen(std::unique_ptr<io::BoundSocket> socket);

  // For clients that come from now on.
  void Update(Options options, Tls tls, Entry entry);

  // Stops listening; idle connections end, busy ones after their answer. `empty` is called once no
  // connection is left, at the earliest in the next turn's callbacks or at once when there is none.
  void Drain(std::function<void()> empty);
  // Ends every connection at once.
  void Abort();

  std::size_t connections() const { return clients_.size(); }

 private:
  // A connection and the place it has: given back when the connection is closed.
  struct Client final : io::Deletable, ServerConnection::Owner, ProxiedStream::Observer {
    static constexpr std::size_t kGone = std::size_t(-1);

    explicit Client(Front& owner) : front(owner) {}
    void OnConnectionDone(ServerConnection&) override { front.Remove(*this); }
    void OnProxyRefused(const ProxyError& error) override { front.OnProxyRefused(*this, error); }
    bool OnProxyHeader(const SocketAddress& client) override {
      return front.OnProxyHeader(*this, client);
    }

    Front& front;
    std::size_t index = kGone;  // in clients_
    ClientPlaces::Place place;
    Options options;
    std::unique_ptr<ServerConnection> connection;
    SocketAddress proxy;  // of one that had to send a PROXY header
  };

  bool MayAccept() override;
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override;
  void OnNoConnection() override { ReturnPlace(); }
  void OnAcceptFailed(const Error& error) override;
  void OnPlaceFree() override;
  void OnTimer(io::Timer&) override { LookAgain(); }
  void OnLater() override { LookAgain(); }
  void LookAgain();
  void OnProxyRefused(Client& client, const ProxyError& error);
  bool OnProxyHeader(Client& client, const SocketAddress& address);
  // Whether a client with this address may have the connection; counts those that may not.
  bool MayEnter(const SocketAddress& address, ClientPlaces::Place& place);
  // True if no further TLS handshake is to begin now; looks again later.
  bool HandshakesWait();
  // Holds back all who wait; they are looked at again in `delay`.
  void HoldBackFor(io::Millis delay);
  void ReturnPlace();
  // Takes the client, which may be at work, out of the table; it dies at the end of the turn.
  void Remove(Client& client);

  io::Loop loop_;
  Options options_;
  Tls tls_;
  Entry entry_;
  tls::Scratch& scratch_;
  RequestHandler& handler_;
  ClientPlaces& places_;
  ClientPlaces::Place next_;  // of the connection that is just being accepted; empty: refuse it
  HoldBack hold_back_;
  bool holding_ = false;   // clients may be waiting in the backlog, for a place
  bool rationed_ = false;  // the same for the rate of new connections
  bool crowded_ = false;   // and for TLS handshakes
  io::Timer look_again_;
  std::vector<std::unique_ptr<io::Listener>> listeners_;
  std::vector<std::unique_ptr<Client>> clients_;  // in no order
  std::function<void()> empty_;
};

}  // namespace upgate::http
