#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "gateway/http/server_connection.h"
#include "gateway/io/network.h"

namespace upgate::app {

// A small HTTP server behind the demo's gateway, on a real socket. On its loop's thread.
//
//   /api/time     the time, as JSON
//   /api/headers  the head of the request, as JSON
//   /api/events   server-sent events (HTML, section 9.2), one per second, until the client goes
//   away
class DemoHttpServer final : private io::AcceptHandler,
                             private http::RequestHandler,
                             private http::ServerConnection::Owner {
 public:
  explicit DemoHttpServer(io::Loop loop);
  ~DemoHttpServer();

  // Binds to 127.0.0.1 at a port that the system chooses.
  Result<SocketAddress> Listen();

 private:
  class EventStream;

  void OnAccept(std::unique_ptr<io::ByteStream> stream) override;
  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override;
  void OnAnswer(int) override {}
  void OnConnectionError(const Error&) override {}
  void OnConnectionDone(http::ServerConnection& connection) override;

  io::Loop loop_;
  http::ServerOptions options_;
  std::unique_ptr<io::Listener> listener_;
  std::unordered_map<http::ServerConnection*, std::unique_ptr<http::ServerConnection>> connections_;
};

}  // namespace upgate::app
