#include "gateway/route/rebinding.h"

#include <algorithm>
#include <string_view>
#include <variant>

#include <fmt/format.h>

namespace upgate::route {
namespace {

// RFC 1122, section 3.2.1.3, RFC 1918, RFC 3927, RFC 6598, RFC 4193 and RFC 4291.
constexpr std::string_view kNotPublic[] = {"127.0.0.0/8",    "10.0.0.0/8",     "172.16.0.0/12",
                                           "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
                                           "::1/128",        "fc00::/7",       "fe80::/10"};

bool IsPublic(const std::string& host) {
  const auto ip = Ip::Parse(host);
  if (!ip) return host != "localhost";
  return std::ranges::none_of(
      kNotPublic, [&](std::string_view block) { return Cidr::Parse(block)->Contains(*ip); });
}

bool IsOnlyNear(const config::Listener& listener) {
  const auto* where = std::get_if<HostPort>(&listener.address.where);
  return where != nullptr && !listener.tls && listener.trusted_proxies.blocks.empty() &&
         !IsPublic(where->host);
}

bool IsForEveryPage(const config::Cors& cors) {
  return std::ranges::any_of(cors.allow_origins, [](const config::OriginPattern& origin) {
    return origin.kind == config::OriginPattern::Kind::kAny;
  });
}

bool ReliesOnOwnOrigin(const config::Config& config, const config::Route& route) {
  const config::Backend* backend = config.BackendOf(route);
  if (backend == nullptr || !route.hosts.empty()) return false;
  if (route.cors && IsForEveryPage(*route.cors)) return false;
  // Plain HTTP requests are not checked without cors: there it is up to the server, which sees
  // Host.
  return backend->relay != config::Relay::kHttp;
}

}  // namespace

std::vector<config::ConfigError> RebindableRoutes(const config::Config& config) {
  const auto listener = std::ranges::find_if(config.listeners, IsOnlyNear);
  if (listener == config.listeners.end()) return {};
  const auto relies = [&](const config::Route& route) { return ReliesOnOwnOrigin(config, route); };
  const auto first = std::ranges::find_if(config.routes, relies);
  if (first == config.routes.end()) return {};
  const auto more = std::count_if(first + 1, config.routes.end(), relies);
  return {{first->mark, fmt::format("routes[{}]", first->index),
           fmt::format("any web page can use it whose host name is made to lead to {} (DNS "
                       "rebinding): without hosts every name is the gateway's own; write for "
                       "example hosts: [ localhost, 127.0.0.1 ]{}",
                       listener->address.ToString(),
                       more == 0   ? ""
                       : more == 1 ? "; the same goes for another route"
                                   : fmt::format("; the same goes for {} more routes", more))}};
}

}  // namespace upgate::route
