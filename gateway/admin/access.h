#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/http/exchange.h"
#include "gateway/io/seldom.h"
#include "gateway/io/timers.h"

namespace upgate::admin {

// What a request needs to be allowed.
struct Policy {
  std::vector<std::string> tokens;         // empty: no token is required
  std::vector<config::HostPattern> hosts;  // allowed in Host, besides IP addresses and localhost
};

// Access control of the admin address. Refuses requests without a valid token (401, RFC 6750),
// requests with a foreign name in Host, as in DNS rebinding (421), and requests from pages of other
// origins (403). /healthz and /readyz are open to everybody. On the thread of its listener's loop.
class Access final : public http::RequestHandler {
 public:
  // What is borrowed outlives it.
  Access(http::RequestHandler& inner, Policy policy, io::Timers& timers, Log& log);

  // Takes effect from the next request on.
  void Set(Policy policy) { policy_ = std::move(policy); }

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override;
  void OnAnswer(int status) override { inner_.OnAnswer(status); }
  void OnConnectionError(const Error& error) override { inner_.OnConnectionError(error); }
  bool expendable_clients() const override { return inner_.expendable_clients(); }

 private:
  std::optional<http::Response> Refusal(const http::Exchange& exchange);
  bool HasToken(const http::Request& request) const;

  http::RequestHandler& inner_;
  Policy policy_;
  io::Timers& timers_;
  Log& log_;
  io::Seldom refusals_;
};

// True if `host` addresses this gateway: an IP address, localhost, or one of `hosts`.
bool IsOwnName(std::string_view host, const std::vector<config::HostPattern>& hosts);

// True if both are equal. The running time does not depend on where they differ.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace upgate::admin
