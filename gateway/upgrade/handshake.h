#pragma once

#include <memory>

#include "gateway/backend/pool.h"
#include "gateway/http/exchange.h"
#include "gateway/upgrade/gateway.h"

namespace upgate::upgrade {

// A client that waits for its 101 while the gateway connects to a server. Destroyed earlier if the
// client goes away, which cancels the connection attempt. On the loop's thread.
class Gateway::Handshake final : public http::ExchangeHandler, private backend::OpenHandler {
 public:
  Handshake(Gateway& gateway, http::Exchange& exchange, Ref<LoopBackend> backend,
            Admission admission, backend::Wish wish);
  ~Handshake() override;

 private:
  void OnOpened(backend::Opened opened) override;
  void OnOpenFailed(const backend::OpenError& error) override;
  std::string Greeting() override;

  Gateway& gateway_;
  http::Exchange& exchange_;
  Admission admission_;
  RouteContext& route_;  // held by the admission, or by the session
  const Ref<LoopBackend> backend_;
  backend::Search search_;
  std::unique_ptr<io::Pending> opening_;  // destroyed first: it uses the backend
};

}  // namespace upgate::upgrade
