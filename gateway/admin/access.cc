#include "gateway/admin/access.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "gateway/admin/answers.h"
#include "gateway/base/address.h"
#include "gateway/base/host_name.h"
#include "gateway/base/text.h"

namespace upgate::admin {
namespace {

constexpr std::string_view kLocalhost = "localhost";

bool IsForEverybody(const http::Request& request) {
  return (request.method == "GET" || request.method == "HEAD") &&
         (request.target.path == "/healthz" || request.target.path == "/readyz");
}

bool IsUnixClient(const http::Exchange& exchange) {
  return std::holds_alternative<UnixPath>(exchange.client_address());
}

bool IsLocalClient(const http::Exchange& exchange) {
  const SocketAddress client = exchange.client_address();
  const auto* at = std::get_if<IpPort>(&client);
  return at == nullptr || IsLoopback(at->ip);
}

// Browsers do not connect to unix sockets, and other clients may use any name there.
bool IsAddressedHere(const http::Exchange& exchange,
                     const std::vector<config::HostPattern>& hosts) {
  if (IsUnixClient(exchange)) return true;
  const std::string& host = exchange.request().target.host;
  // HTTP/1.0 without Host: no browser.
  return host.empty() ? IsLocalClient(exchange) : IsOwnName(host, hosts);
}

// The origin that the request was addressed to, as browsers write it (RFC 6454, section 6.2).
std::string OwnOrigin(const http::Exchange& exchange) {
  const http::Target& target = exchange.request().target;
  const bool tls = exchange.tls() != nullptr;
  const std::uint16_t usual = tls ? 443 : 80;
  const std::string_view scheme = tls ? "https" : "http";
  const std::string host = HostInUrl(target.host);
  if (target.port == 0 || target.port == usual) return fmt::format("{}://{}", scheme, host);
  return fmt::format("{}://{}:{}", scheme, host, target.port);
}

bool IsFromOtherOrigin(const http::Exchange& exchange) {
  const std::string* origin = exchange.request().headers.Find("Origin");
  if (origin == nullptr) return false;
  return exchange.request().headers.Count("Origin") != 1 || *origin != OwnOrigin(exchange);
}

}  // namespace

bool IsOwnName(std::string_view host, const std::vector<config::HostPattern>& hosts) {
  host = WithoutRootDot(host);
  if (Ip::Parse(host) || host == kLocalhost || host.ends_with(".localhost")) return true;
  return std::ranges::any_of(hosts, [&](const config::HostPattern& own) {
    if (!own.wildcard) return host == own.host;
    return host.size() > own.host.size() + 1 && host.ends_with(own.host) &&
           host[host.size() - own.host.size() - 1] == '.';
  });
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  // volatile: keeps the compiler from leaving the loop early.
  volatile std::size_t difference = a.size() ^ b.size();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference = difference | static_cast<unsigned char>(a[i] ^ other);
  }
  return difference == 0;
}

Access::Access(http::RequestHandler& inner, Policy policy, io::Timers& timers, Log& log)
    : inner_(inner), policy_(std::move(policy)), timers_(timers), log_(log) {}

std::unique_ptr<http::ExchangeHandler> Access::OnRequest(http::Exchange& exchange) {
  auto refusal = Refusal(exchange);
  if (!refusal) return inner_.OnRequest(exchange);
  exchange.IgnoreUpgrade();
  exchange.Respond(std::move(*refusal));
  return nullptr;
}

std::optional<http::Response> Access::Refusal(const http::Exchange& exchange) {
  const http::Request& request = exchange.request();
  if (IsForEverybody(request)) return {};
  if (!IsAddressedHere(exchange, policy_.hosts)) {
    return ErrorPage(421,
                     "the admin address answers to IP addresses, localhost and the names in "
                     "admin.hosts only");
  }
  if (IsFromOtherOrigin(exchange))
    return ErrorPage(403, "the admin address does not answer to pages of other origins");
  if (policy_.tokens.empty() || HasToken(request)) return {};
  if (const auto left_out = refusals_.Due(timers_.Now())) {
    log_.Warn("admin client refused",
              {{"client", ToString(exchange.client_address())}, {"left_out", *left_out}});
  }
  http::Response response =
      ErrorPage(401, "Authorization: Bearer with a token of admin.token_file is needed");
  response.headers.Add("WWW-Authenticate", "Bearer");
  return response;
}

bool Access::HasToken(const http::Request& request) const {
  constexpr std::string_view kScheme = "bearer ";
  const std::string* field = request.headers.Find("Authorization");
  if (field == nullptr || request.headers.Count("Authorization") != 1) return false;
  const std::string_view text = *field;
  if (!EqualsIgnoreCase(text.substr(0, kScheme.size()), kScheme)) return false;
  const std::string_view token = Trim(text.substr(kScheme.size()));
  // All tokens are compared, so that the time does not reveal which one matched.
  bool found = false;
  for (const std::string& known : policy_.tokens)
    found = EqualInConstantTime(token, known) || found;
  return found;
}

}  // namespace upgate::admin
