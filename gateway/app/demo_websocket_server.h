#pragma once

#include <memory>

#include "gateway/app/runtime.h"
#include "gateway/app/worker.h"
#include "gateway/base/log.h"
#include "gateway/session/gateway.h"
#include "gateway/stats/stats.h"

namespace upgate::app {

// The WebSocket server behind the demo's gateway: a gateway of its own, on one loop and thread,
// whose only route is the service of demo_live_service.h with the subprotocols echo.v1 and echo.v2.
// Serves from Start to its destruction.
class DemoWebSocketServer {
 public:
  DemoWebSocketServer();
  ~DemoWebSocketServer();
  DemoWebSocketServer(const DemoWebSocketServer&) = delete;
  DemoWebSocketServer& operator=(const DemoWebSocketServer&) = delete;

  // Binds to 127.0.0.1 at a port that the system chooses, and serves. Once.
  Result<SocketAddress> Start();

 private:
  struct Stats;

  std::unique_ptr<Log> log_;
  Runtime runtime_;
  http::ServerOptions options_;
  std::unique_ptr<Stats> stats_;
  std::unique_ptr<session::SharedCounts> counts_;
  std::unique_ptr<session::ServerLog> server_log_;
  io::MemoryTotal memory_;  // as in front: the gateway there has the limit
  std::unique_ptr<session::Shared> shared_;
  std::unique_ptr<Worker> worker_;
  bool serving_ = false;
};

}  // namespace upgate::app
