#pragma once

#include <memory>

#include "gateway/backend/pool.h"
#include "gateway/http/exchange.h"
#include "gateway/upgrade/gateway.h"

namespace upgate::upgrade {

// A client that waits for its 101 while a server is connected to. Destroying it before that,
// because the client is gone, lets go of the server.
class Gateway::Handshake final : public http::ExchangeHandler, private backend::OpenHandler {
 public:
  Handshake(Gateway& gateway, http::Exchange& exchange, Admission admission);
  ~Handshake() override;

 private:
  void OnOpened(std::unique_ptr<io::ByteStream> stream, const backend::Server& server,
                io::Instant since) override;
  void OnOpenFailed(const backend::OpenError& error) override;

  Gateway& gateway_;
  http::Exchange& exchange_;
  Admission admission_;
  RouteContext& route_;                   // held by the admission, or by the session
  std::unique_ptr<io::Pending> opening_;  // first to go: it uses the route's backend
};

}  // namespace upgate::upgrade
