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

// What requests need to use the admin address.
struct Policy {
  std::vector<std::string> tokens;         // empty: none is needed
  std::vector<config::HostPattern> hosts;  // names for Host, besides addresses and localhost
};

// Stands before the admin address and answers requests that may not pass: without one of the tokens
// (401, RFC 6750), under a foreign name, as pages do that rebind theirs to this address (421), and
// from pages of other origins (403). /healthz and /readyz are for everybody. On the thread of its
// listener's loop.
class Access final : public http::RequestHandler {
 public:
  // What is borrowed outlives it.
  Access(http::RequestHandler& inner, Policy policy, io::Timers& timers, Log& log);

  // From the next request on.
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

// Whether a request is addressed to this gateway: by an IP address, localhost, or one of `hosts`.
bool IsOwnName(std::string_view host, const std::vector<config::HostPattern>& hosts);

// True if both are the same. The time tells nothing about where they differ.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace upgate::admin
