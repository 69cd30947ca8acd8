#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gateway/http/exchange.h"
#include "gateway/io/timers.h"
#include "gateway/plugin/auth.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/loop_auth.h"

namespace upgate::upgrade {

// A request on a route with authenticators: waits for the check of its credential, and goes on as
// what the route makes of it. Destroying it, because the client is gone, cancels the check.
class Gateway::Checking final : public http::ExchangeHandler,
                                private plugin::AuthTarget,
                                private io::Timer::Owner {
 public:
  // `credential` has an authenticator.
  Checking(Gateway& gateway, const Arrival& arrival, Decision decision, Credential credential);
  ~Checking() override;

 private:
  void OnBody(Bytes bytes) override;
  void OnBodyEnd(const http::Headers& trailers) override;
  void OnWritable() override;
  std::size_t held_bytes() const override;

  void OnAnswer(plugin::AuthAnswer answer) override;
  void OnTimer(io::Timer& timer) override;

  void Ask();
  void GoOn(plugin::AuthAnswer answer);
  void PassBody();

  Gateway& gateway_;
  const Ref<ListenerContext> listener_;
  route::SeenAs seen_;
  const Arrival arrival_;
  Decision decision_;
  Credential credential_;
  const Ref<LoopAuth> auth_;
  std::shared_ptr<const plugin::Identity> identity_;  // for the log line of the request
  io::Timer timer_;
  plugin::AuthReply reply_;
  std::unique_ptr<io::Deletable> asking_;
  // What came of the request's body while the next handler was made, which may ask for it at once.
  std::string early_body_;
  std::optional<http::Headers> early_end_;
  bool waiting_ = false;                         // for an answer that has not come at once
  bool answered_ = false;                        // or out of time
  std::unique_ptr<http::ExchangeHandler> next_;  // first to go: it uses the route
};

}  // namespace upgate::upgrade
