#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/io/network.h"
#include "gateway/tls/context.h"

namespace upgate::plugin {

// A connection that a plugin makes for itself, to a service that it asks: looks the name up, tries
// each of its addresses in turn, and secures the connection where TLS is wanted. Has no timeout.
// The handler is never called from inside the constructor, and may destroy the dialer.
class Dialer final : public io::Pending, private io::ResolveHandler, private io::ConnectHandler {
 public:
  using Place = std::variant<HostPort, UnixPath>;

  // `context` is nullptr for a plain connection; `scratch` is the loop's. Both outlive the dialer,
  // and `scratch` the connection. `handler` is not owned.
  Dialer(io::Loop loop, tls::Scratch& scratch, Place place, tls::ClientContext* context,
         io::ConnectHandler& handler);

 private:
  void OnResolved(const std::vector<Ip>& addresses) override;
  void OnResolveFailed(const Error& error) override { handler_.OnConnectFailed(error); }
  void OnConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnConnectFailed(const Error& error) override;
  void TryNext();

  io::Loop loop_;
  tls::Scratch& scratch_;
  const Place place_;
  tls::ClientContext* const context_;
  io::ConnectHandler& handler_;
  std::vector<Ip> addresses_;
  std::size_t next_ = 0;
  bool securing_ = false;
  std::unique_ptr<io::Pending> step_;
};

}  // namespace upgate::plugin
