#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "gateway/io/network.h"
#include "gateway/net/loop.h"

namespace upgate::app {

// A TCP echo server behind the demo's gateway, on a real socket. On its loop's thread.
class TcpEchoServer final : private io::AcceptHandler {
 public:
  explicit TcpEchoServer(io::Loop loop);
  ~TcpEchoServer();

  // Binds to 127.0.0.1 at a port that the system chooses.
  Result<SocketAddress> Listen();

 private:
  class Connection;
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override;
  void OnDone(Connection& connection);

  io::Loop loop_;
  std::unique_ptr<io::Listener> listener_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
};

}  // namespace upgate::app
