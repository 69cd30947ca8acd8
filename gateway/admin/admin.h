#pragma once

#include <functional>
#include <memory>

#include "gateway/admin/control.h"
#include "gateway/admin/operations.h"
#include "gateway/http/exchange.h"
#include "gateway/plugin/service.h"

namespace upgate::admin {

// What the admin address answers: /stats (JSON), /metrics (Prometheus text), /healthz (200 while
// the process runs), /readyz (200 while it takes new clients, else 503) and / (a list of these).
// /config is the running configuration as YAML. POST /log?level= sets the level of the log.
// What operators do with sessions, servers, routes and listeners: see Operations. POST /reload
// reads the configuration again (JSON; 422 with every error when it is not taken). Everything else
// is GET and HEAD. On the thread of the loop that its listener belongs to.
class Admin final : public http::RequestHandler {
 public:
  // What is borrowed outlives the admin; `ready` may be asked at any time.
  Admin(const plugin::StatsSource& stats, std::function<bool()> ready, Control& control);
  // Without it, there is nothing for operators. Borrowed, as above.
  void SetOperations(Operations& operations) { operations_ = &operations; }

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override;
  void OnAnswer(int) override {}
  void OnConnectionError(const Error&) override {}
  bool expendable_clients() const override { return true; }

 private:
  http::Response Answer(const http::Request& request) const;
  http::Response SetLogLevel(const http::Exchange& exchange);

  const plugin::StatsSource& stats_;
  std::function<bool()> ready_;
  Control& control_;
  Operations* operations_ = nullptr;
};

}  // namespace upgate::admin
