#pragma once

#include <functional>
#include <memory>

#include "gateway/admin/control.h"
#include "gateway/admin/operations.h"
#include "gateway/http/exchange.h"
#include "gateway/plugin/service.h"

namespace upgate::admin {

// The requests of the admin address:
//
//   GET /           a list of the pages
//   GET /stats      statistics as JSON
//   GET /metrics    statistics as Prometheus text
//   GET /healthz    200 while the process runs
//   GET /readyz     200 while the process accepts new clients, else 503 with the reason
//   GET /config     the running configuration as YAML
//   POST /log       ?level= sets the level of the log
//   POST /reload    reloads the configuration; JSON, 422 with every error if there are any
//
// HEAD is allowed wherever GET is. Operations on sessions, servers, routes and listeners are in
// Operations. On the thread of its listener's loop.
class Admin final : public http::RequestHandler {
 public:
  // What is borrowed outlives the admin; `why_not_ready` is empty while it is, and may be called at
  // any time, on the same thread.
  Admin(const plugin::StatsSource& stats, std::function<std::string()> why_not_ready,
        Control& control);
  // Enables the requests of Operations. Borrowed, as above.
  void SetOperations(Operations& operations) { operations_ = &operations; }

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override;
  void OnAnswer(int) override {}
  void OnConnectionError(const Error&) override {}
  bool expendable_clients() const override { return true; }

 private:
  http::Response Answer(const http::Request& request) const;
  http::Response SetLogLevel(const http::Exchange& exchange);

  const plugin::StatsSource& stats_;
  std::function<std::string()> why_not_ready_;
  Control& control_;
  Operations* operations_ = nullptr;
};

}  // namespace upgate::admin
