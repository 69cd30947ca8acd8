#include <algorithm>
#include <optional>

#include "gateway/base/host_name.h"
#include "gateway/base/text.h"
#include "gateway/route/authority.h"
#include "gateway/route/origin.h"

namespace upgate::route {
namespace {

bool IsTrusted(const Ip& ip, const std::vector<Cidr>& trusted) {
  return std::ranges::any_of(trusted, [&](const Cidr& block) { return block.Contains(ip); });
}

bool IsTrusted(const SocketAddress& peer, const std::vector<Cidr>& trusted) {
  if (const auto* tcp = std::get_if<IpPort>(&peer)) return IsTrusted(tcp->ip, trusted);
  return !trusted.empty();
}

// Takes the last element off a comma-separated list, trimmed; it may be empty.
std::string_view TakeLast(std::string_view& list) {
  const std::size_t comma = list.rfind(',');
  const std::string_view item = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
  return Trim(item);
}

// An address as X-Forwarded-For has it: some proxies add brackets or a port.
std::optional<Ip> ParseForwardedAddress(std::string_view text) {
  if (text.contains('\0')) return {};
  if (const auto ip = Ip::Parse(text)) return ip;
  const auto authority = ParseAuthority(text, 0);
  return authority ? Ip::Parse(authority->host) : std::nullopt;
}

// Every proxy appends the address that it was called from, so only what trusted ones appended can
// be believed: from the right up to the first address that is not one of them. What cannot be read
// ends the walk, for who wrote what is left of it is unknown.
std::optional<Ip> ForwardedClient(std::string_view list, const std::vector<Cidr>& trusted) {
  std::optional<Ip> client;
  while (!list.empty()) {
    const auto ip = ParseForwardedAddress(TakeLast(list));
    if (!ip) break;
    client = ip;
    if (!IsTrusted(*ip, trusted)) break;
  }
  return client;
}

std::optional<std::string> ForwardedScheme(std::string_view list) {
  const std::string scheme = ToLower(TakeLast(list));
  if (scheme == "http" || scheme == "ws") return "http";
  if (scheme == "https" || scheme == "wss") return "https";
  return {};
}

}  // namespace

SeenAs SeenByClient(const http::Request& request, bool tls, const SocketAddress& peer,
                    const std::vector<Cidr>& trusted) {
  SeenAs seen;
  seen.scheme = tls ? "https" : "http";
  seen.client = ToString(peer);
  std::optional<Authority> forwarded_host;
  seen.by_trusted_proxy = IsTrusted(peer, trusted);
  if (seen.by_trusted_proxy) {
    const http::Headers& headers = request.headers;
    if (const auto client = ForwardedClient(headers.Joined("X-Forwarded-For"), trusted)) {
      seen.client = client->ToString();
    }
    if (auto scheme = ForwardedScheme(headers.Joined("X-Forwarded-Proto"))) {
      seen.scheme = std::move(*scheme);
    }
    const std::string hosts = headers.Joined("X-Forwarded-Host");
    std::string_view list = hosts;
    forwarded_host = ParseAuthority(TakeLast(list), DefaultPort(seen.scheme));
    if (forwarded_host && HasEmptyLabel(forwarded_host->host)) forwarded_host.reset();
  }
  if (forwarded_host) {
    seen.host = std::move(forwarded_host->host);
    seen.port = forwarded_host->port;
  } else {
    seen.host = CanonicalHost(request.target.host);
    seen.port = request.target.port != 0 ? request.target.port : DefaultPort(seen.scheme);
  }
  // Here and nowhere else, so that routes, policies and logs know one name only.
  seen.rooted = WithoutRootDot(seen.host).size() < seen.host.size();
  if (seen.rooted) seen.host.pop_back();
  return seen;
}

std::string WebSocketUrl(const SeenAs& seen, const http::Target& target) {
  const bool is_v6 = seen.host.contains(':');
  std::string url =
      (seen.scheme == "https" ? "wss://" : "ws://") + (is_v6 ? "[" + seen.host + "]" : seen.host);
  if (seen.rooted) url += '.';
  if (seen.port != DefaultPort(seen.scheme)) url += ":" + std::to_string(seen.port);
  url += target.raw_path;
  if (target.has_query) url += "?" + target.query;
  return url;
}

}  // namespace upgate::route
