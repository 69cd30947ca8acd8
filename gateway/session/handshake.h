#pragma once

#include <memory>

#include "gateway/backend/pool.h"
#include "gateway/http/exchange.h"
#include "gateway/session/gateway.h"

namespace upgate::session {

// A client that waits for its 101 while a server is connected to. Destroying it before that,
// because the client is gone, lets go of the server.
class Gateway::Handshake final : public http::ExchangeHandler, private backend::OpenHandler {
 public:
  Handshake(Gateway& gateway, http::Exchange& exchange, Admission admission, backend::Pool& pool);
  ~Handshake() override;

 private:
  void OnOpened(std::unique_ptr<io::ByteStream> stream, const config::Server& server,
                io::Instant since) override;
  void OnOpenFailed(const backend::OpenError& error) override;
  void GiveBackPlace();

  Gateway& gateway_;
  http::Exchange& exchange_;
  Admission admission_;
  std::unique_ptr<io::Pending> opening_;
};

}  // namespace upgate::session
