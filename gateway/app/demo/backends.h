#pragma once

#include <thread>

#include "gateway/app/demo/http_server.h"
#include "gateway/app/demo/websocket_server.h"
#include "gateway/app/tcp_echo_server.h"
#include "gateway/net/loop.h"

namespace upgate::app {

// The addresses of the servers behind the demo's gateway.
struct DemoAddresses {
  SocketAddress tcp;
  SocketAddress websocket;
  SocketAddress http;
};

// The servers behind the demo's gateway, on loops and threads of their own. They serve from Start
// to destruction.
class DemoBackends {
 public:
  DemoBackends();
  ~DemoBackends();
  DemoBackends(const DemoBackends&) = delete;
  DemoBackends& operator=(const DemoBackends&) = delete;

  // Once.
  Result<DemoAddresses> Start();

 private:
  net::Loop loop_;
  TcpEchoServer tcp_;
  DemoHttpServer http_;
  DemoWebSocketServer websocket_;
  std::thread thread_;
};

}  // namespace upgate::app
