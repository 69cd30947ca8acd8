#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/command_url.h"
#include "gateway/backend/connecting.h"
#include "gateway/config/config.h"
#include "gateway/http/client_connection.h"
#include "gateway/io/network.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"
#include "gateway/session/context.h"
#include "gateway/session/endpoint.h"
#include "gateway/stats/stats.h"
#include "gateway/tls/context.h"
#include "gateway/ws/handshake.h"

namespace upgate::app {

// Where a ClientTunnel leads, and how.
struct TunnelSettings {
  CommandUrl url;         // absolute, ws or wss
  http::Headers headers;  // in addition to those of the handshake; Host replaces that of the URL
  std::vector<std::string> subprotocols;  // to offer, in this order
  io::Millis timeout{10'000};             // for the connection, TLS and the 101
  bool retries = false;  // tries again, until `timeout`, after what may pass: no connection, 503
};

// How a tunnel ended.
struct TunnelEnd {
  bool ok = false;           // closed in an orderly way, by either side
  bool established = false;  // there was a 101
  std::string message;       // one line without secrets; empty if the local end closed it
};

// The client's side of a WebSocket that carries the bytes of a local stream: what the local end
// sends becomes binary messages, one for each read, and the payload of the server's messages,
// binary or text, goes to the local end.
//
// The end of the local stream is Close 1000; what the server sends before it answers is still
// delivered. The server's Close ends the local stream after everything before it. Both ends are
// read only as fast as the other one takes it.
//
// Owned by the caller, on its loop's thread. Starts at once.
class ClientTunnel final : public io::Deletable,
                           private backend::Connecting::Owner,
                           private http::ResponseHandler,
                           private http::ClientConnection::Owner,
                           private session::Endpoint::Owner,
                           private io::StreamHandler,
                           private io::Timer::Owner {
 public:
  class Owner {
   public:
    // Called once, never from inside the constructor. The tunnel may be deleted by
    // Turn::DeferDelete.
    virtual void OnTunnelDone(ClientTunnel& tunnel, const TunnelEnd& end) = 0;

   protected:
    ~Owner() = default;
  };

  // What the tunnels of a process share. Borrowed things outlive them.
  struct Shared {
    const TunnelSettings& settings;
    session::Context& context;
    tls::Scratch& scratch;
    std::shared_ptr<tls::ClientContext> tls;  // nullptr for ws
  };
  // `shared` and the owner outlive the tunnel.
  ClientTunnel(const Shared& shared, std::unique_ptr<io::ByteStream> local, Owner& owner);
  ~ClientTunnel() override;

  // Ends the tunnel with Close 1001; OnTunnelDone follows.
  void End(std::string_view why);

 private:
  // To the server, before the 101.
  void OnServerConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnServerFailed(const Error& error) override;
  void OnInterim(const http::Response&) override {}
  void OnHead(http::Response&& head, http::BodyLength length) override;
  void OnBody(Bytes bytes) override;
  void OnBodyEnd(const http::Headers& trailers) override;
  void OnUpgraded(const http::Response& head, http::Upgraded upgraded) override;
  void OnRequestWritable() override {}
  void OnFailed(const Error& error, bool untouched) override;
  void OnIdleConnectionClosed(http::ClientConnection&) override {}
  void OnTimer(io::Timer& timer) override;

  // The WebSocket.
  void OnPart(const ws::FramePart& part) override;
  void OnReadDone() override;
  void OnPeerClosing(session::PeerEnd end, std::string_view reason) override;
  void OnPeerDrained() override;
  void OnPeerDone() override;

  // The local stream.
  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnWritable() override;
  void OnFlushed() override;

  void Connect();
  void Start(http::Upgraded upgraded);
  bool RetryLater(const std::string& why);
  void ToLocal();
  void ShutDownLocal();
  void FinishIfDone();
  void Fail(std::string_view why);
  void Refused();
  void Finish(bool ok, std::string message);
  void AbortServer();
  void ReleaseConnection();

  const Shared& shared_;
  const TunnelSettings& settings_;
  session::Context& context_;
  io::Loop loop_;
  Owner& owner_;
  const config::Server target_;
  backend::Connecting connecting_;
  config::RouteLimits limits_;
  stats::BothWays stats_;
  std::unique_ptr<io::ByteStream> local_;
  std::unique_ptr<http::ClientConnection> connection_;
  std::unique_ptr<session::Endpoint> server_;  // after the 101
  ws::Offer offer_;
  int status_ = 0;            // of a response that is not the 101
  std::string refusal_;       // the beginning of its body
  std::string last_failure_;  // of an attempt after which another one follows
  io::Timer timer_;
  io::Timer retry_timer_;
  io::Millis retry_delay_;
  std::size_t local_mark_ = 0;  // queued for the local end when timer_ was armed for it
  bool local_shut_ = false;     // nothing more goes to the local end
  bool local_done_ = false;
  bool server_done_ = false;
  bool over_ = false;
};

}  // namespace upgate::app
