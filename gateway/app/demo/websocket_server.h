#pragma once

#include <memory>

#include "gateway/app/prepare.h"
#include "gateway/app/worker.h"
#include "gateway/backend/server_log.h"
#include "gateway/base/log.h"
#include "gateway/stats/stats.h"
#include "gateway/upgrade/gateway.h"

namespace upgate::app {

// The WebSocket server behind the demo's gateway: a gateway of its own, on one loop and thread,
// whose only route is the service of demo_live_service.h, with the subprotocols echo.v1 and
// echo.v2. Serves from Start to destruction.
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
  std::unique_ptr<Stats> stats_;
  std::unique_ptr<upgrade::SharedCounts> counts_;
  std::unique_ptr<backend::ServerLog> server_log_;
  io::MemoryTotal memory_;  // without a limit: the demo's gateway in front has one
  std::unique_ptr<upgrade::Shared> shared_;
  std::unique_ptr<Worker> worker_;
  std::shared_ptr<const Loops> loops_;  // destroyed first
  bool serving_ = false;
};

}  // namespace upgate::app
