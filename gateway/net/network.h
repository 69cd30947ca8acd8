#pragma once

#include <memory>
#include <string>
#include <utility>

#include "gateway/io/network.h"
#include "gateway/net/resolver.h"

namespace upgate::net {

class Loop;

// The system's network for one loop. Only one loop can listen on a unix path; see Listener.
class Network final : public io::Network {
 public:
  Network(Loop& loop, std::string name_servers)
      : loop_(loop), resolver_(loop, std::move(name_servers)) {}

  Result<std::unique_ptr<io::Listener>> Listen(const SocketAddress& address,
                                               const io::ListenOptions& options,
                                               io::AcceptHandler& handler) override;
  Result<std::unique_ptr<io::Listener>> Adopt(std::unique_ptr<io::BoundSocket> socket,
                                              io::AcceptHandler& handler) override;
  std::unique_ptr<io::Pending> Connect(const SocketAddress& address,
                                       io::ConnectHandler& handler) override;
  std::unique_ptr<io::Pending> Resolve(const std::string& host,
                                       io::ResolveHandler& handler) override;

 private:
  Loop& loop_;
  Resolver resolver_;
};

}  // namespace upgate::net
