// Origins and CORS: for any request, a foreign origin is accepted only if a policy lists it, the
// response names the origin that was sent, and "*" and null never get credentials. Input: a byte
// for the policy and the connection, the request.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "gateway/base/text.h"
#include "gateway/config/parse.h"
#include "gateway/http/body_writer.h"
#include "gateway/route/origin.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/request.h"

namespace upgate::route {
namespace {

using fuzz::Require;

constexpr std::string_view kPolicies = R"(
listeners: [ { address: "127.0.0.1:80", trusted_proxies: [ 10.0.0.0/8 ] } ]
routes:
  - { path: /0, plugin: echo }
  - path: /1
    plugin: echo
    cors: { allow_origins: [ "https://a.test", "https://*.b.test:8443" ], allow_headers: [ x-one, Content-Type ], allow_credentials: true, max_age: 10m }
  - { path: /2, plugin: echo, cors: { allow_origins: [ "*" ], allow_methods: [ "*" ], allow_headers: [ "*" ], allow_private_network: true } }
  - { path: /3, plugin: echo, cors: { allow_origins: [ "app://.", "null", "http://[::1]:3000", "http://c.test:*" ], allow_credentials: true, expose_headers: [ x-two ] } }
)";

std::shared_ptr<const config::Config> ParsePolicies() {
  auto config =
      config::Parse(kPolicies, "policies.yaml", [](const char*) -> const char* { return nullptr; });
  if (!config) throw std::runtime_error(config::ToString("policies.yaml", config.error().front()));
  return *config;
}

// The part of an origin after its scheme.
std::string_view HostAndPort(std::string_view origin) {
  const std::size_t at = origin.find("://");
  return at == std::string_view::npos ? std::string_view{} : origin.substr(at + 3);
}

// In any spelling of the address.
bool IsLoopback3000(std::string_view origin) {
  constexpr std::string_view kBefore = "http://[", kBehind = "]:3000";
  if (!origin.starts_with(kBefore) || !origin.ends_with(kBehind)) return false;
  const auto ip =
      Ip::Parse(origin.substr(kBefore.size(), origin.size() - kBefore.size() - kBehind.size()));
  return ip && ip->ToString() == "::1";
}

// An independent implementation of the policies above.
bool IsListed(std::string_view origin, std::size_t policy) {
  const std::string lower = ToLower(origin);
  const std::string_view host = HostAndPort(lower);
  if (policy == 1) {
    if (!lower.starts_with("https://")) return false;
    return host == "a.test" || host == "a.test:443" ||
           (host.ends_with(".b.test:8443") && host.size() > 12);
  }
  if (policy == 3) {
    const std::string_view port = lower.starts_with("http://c.test") ? host.substr(6) : "none";
    return origin == "app://." || IsLoopback3000(lower) || port.empty() ||
           (port.starts_with(':') &&
            port.find_first_not_of("0123456789", 1) == std::string_view::npos);
  }
  return policy == 2;
}

bool IsSameHost(std::string_view origin, const SeenAs& seen) {
  const std::string text = ToLower(HostAndPort(origin));
  return !seen.host.empty() &&
         (text.find(seen.host) != std::string::npos || text.find(':') != std::string::npos);
}

void CheckVerdict(const http::Request& request, const SeenAs& seen, std::size_t policy,
                  const OriginVerdict& verdict) {
  Require(verdict.allowed == verdict.reason.empty());
  Require(std::ranges::all_of(verdict.headers, http::CanBeSent));
  Require(std::ranges::none_of(verdict.reason, IsControl));
  const std::string* sent = request.headers.Find("Origin");
  if (sent == nullptr || !verdict.allowed) return Require(verdict.headers.empty());
  if (verdict.headers.empty()) return Require(IsSameHost(*sent, seen));
  Require(policy != 0 && verdict.headers.Count("Access-Control-Allow-Origin") == 1);
  const std::string& granted = *verdict.headers.Find("Access-Control-Allow-Origin");
  const bool credentials = verdict.headers.Find("Access-Control-Allow-Credentials") != nullptr;
  if (granted == "*" || granted == "null") {
    Require(!credentials && (granted == "*" ? policy == 2 : policy == 3));
    return;
  }
  Require(granted == *sent && request.headers.Count("Origin") == 1 && IsListed(*sent, policy));
  Require(credentials == (policy == 1 || policy == 3));
}

void CheckPreflight(const http::Request& request, const http::Response& answer) {
  Require(answer.status == 204 || answer.status == 403);
  Require(std::ranges::all_of(answer.headers, http::CanBeSent));
  Require(answer.headers.Find("Vary") != nullptr && answer.body.empty() == (answer.status == 204));
  Require(std::ranges::none_of(answer.body.substr(0, answer.body.find('\n')), IsControl));
  if (answer.status != 204) return;
  Require(request.headers.Find("Origin") != nullptr &&
          answer.headers.Find("Access-Control-Allow-Methods") != nullptr);
}

void CheckSeen(const http::Request& request, const SeenAs& seen, bool trusted) {
  Require(seen.scheme == "http" || seen.scheme == "https");
  Require(seen.by_trusted_proxy == trusted && seen.host == ToLower(seen.host));
  Require(std::ranges::none_of(seen.host, IsControl) &&
          std::ranges::none_of(seen.client, IsControl));
  if (!trusted)
    Require(seen.client == "192.0.2.7:4242" &&
            (request.target.port == 0 || seen.port == request.target.port));
}

void RunOne(std::uint8_t settings, const http::Request& request) {
  static const std::shared_ptr<const config::Config> policies = ParsePolicies();
  const std::size_t policy = settings & 3;
  const bool trusted = (settings & 4) != 0;
  const SocketAddress peer = IpPort{*Ip::Parse(trusted ? "10.1.2.3" : "192.0.2.7"), 4242};
  const SeenAs seen =
      SeenByClient(request, (settings & 8) != 0, peer, policies->listeners[0].trusted_proxies);
  CheckSeen(request, seen, trusted);
  const auto& cors = policies->routes[policy].cors;
  CheckVerdict(request, seen, policy,
               CheckOrigin(request, seen, cors ? &*cors : nullptr, (settings & 16) != 0));
  if (cors && IsPreflight(request)) CheckPreflight(request, AnswerPreflight(request, seen, *cors));
}

}  // namespace
}  // namespace upgate::route

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const std::uint8_t settings = input.Byte();
  if (const auto request = upgate::fuzz::ParseRequest(input.Rest()))
    upgate::route::RunOne(settings, *request);
  return 0;
}
