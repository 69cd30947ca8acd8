#include "gateway/net/network.h"

#include <utility>

#include "gateway/net/connecting.h"
#include "gateway/net/listener.h"

namespace upgate::net {

Result<std::unique_ptr<io::Listener>> Network::Listen(const SocketAddress& address,
                                                      const io::ListenOptions& options,
                                                      io::AcceptHandler& handler) {
  return Listener::Open(loop_, address, options, handler);
}

Result<std::unique_ptr<io::Listener>> Network::Adopt(std::unique_ptr<io::BoundSocket> socket,
                                                     io::AcceptHandler& handler) {
  return Listener::Adopt(loop_, std::move(socket), handler);
}

std::unique_ptr<io::Pending> Network::Connect(const SocketAddress& address,
                                              io::ConnectHandler& handler) {
  return std::make_unique<Connecting>(loop_, address, handler);
}

std::unique_ptr<io::Pending> Network::Resolve(const std::string& host,
                                              io::ResolveHandler& handler) {
  return resolver_.Resolve(host, handler);
}

}  // namespace upgate::net
