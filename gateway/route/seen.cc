#include <fmt/format.h>

#include "gateway/base/host_name.h"
#include "gateway/base/text.h"
#include "gateway/route/authority.h"
#include "gateway/route/forwarded.h"
#include "gateway/route/origin.h"

namespace upgate::route {
namespace {

// Forwarded takes precedence where both have a value; the difference is noted.
template <class Text>
Text Choose(const Text& forwarded, const Text& x_forwarded, std::string& overruled) {
  if (forwarded.empty()) return x_forwarded;
  if (!x_forwarded.empty() && !EqualsIgnoreCase(forwarded, x_forwarded)) {
    overruled += fmt::format("{}{} instead of {}", overruled.empty() ? "" : ", ",
                             Printable(forwarded), Printable(x_forwarded));
  }
  return forwarded;
}

Told ByProxies(const http::Headers& headers, const config::TrustedProxies& trusted,
               std::string& overruled) {
  Told told = ReadXForwarded(headers, trusted);
  if (headers.Find("Forwarded") == nullptr) return told;
  const Told forwarded = ReadForwarded(headers, trusted);
  told.client = Choose(forwarded.client, told.client, overruled);
  told.scheme = Choose(forwarded.scheme, told.scheme, overruled);
  told.authority = Choose(forwarded.authority, told.authority, overruled);
  // It has the client's own authority: without a port there, the default applies.
  if (!forwarded.authority.empty()) told.port = 0;
  return told;
}

// For a Host field; `host` is as in SeenAs.
std::string WithPort(const std::string& host, std::uint16_t port, std::string_view scheme) {
  return port == DefaultPort(scheme) ? HostInUrl(host)
                                     : fmt::format("{}:{}", HostInUrl(host), port);
}

}  // namespace

SeenAs SeenByClient(const http::Request& request, bool tls, const SocketAddress& peer,
                    const config::TrustedProxies& trusted) {
  SeenAs seen;
  Told told;
  seen.by_trusted_proxy = IsTrusted(peer, trusted);
  if (seen.by_trusted_proxy) told = ByProxies(request.headers, trusted, seen.overruled);
  seen.scheme = !told.scheme.empty() ? told.scheme : tls ? "https" : "http";
  seen.client = !told.client.empty() ? std::move(told.client) : ToString(peer);
  const auto host = ParseAuthority(told.authority, 0);
  seen.host = host ? host->host : CanonicalHost(request.target.host);
  // A port that is known to be the client's takes precedence over one reported by a proxy.
  std::uint16_t port = host ? host->port : 0;
  if (port == 0) port = told.port;
  if (port == 0 && !host) port = request.target.port;
  seen.port = port != 0 ? port : DefaultPort(seen.scheme);
  seen.authority = host ? told.authority : request.target.authority;
  const std::uint16_t written = host ? host->port : request.target.port;
  // Who reads it behind the gateway does not know the port otherwise.
  if (!seen.authority.empty() && seen.port != (written != 0 ? written : DefaultPort(seen.scheme)))
    seen.authority = WithPort(seen.host, seen.port, seen.scheme);
  // Done only here, so that routes, policies and logs see one form of the name.
  seen.rooted = WithoutRootDot(seen.host).size() < seen.host.size();
  if (seen.rooted) seen.host.pop_back();
  return seen;
}

std::string WebSocketUrl(const SeenAs& seen, const http::Target& target) {
  std::string url = (seen.scheme == "https" ? "wss://" : "ws://") + HostInUrl(seen.host);
  if (seen.rooted) url += '.';
  if (seen.port != DefaultPort(seen.scheme)) url += ":" + std::to_string(seen.port);
  url += target.raw_path;
  if (target.has_query) url += "?" + target.query;
  return url;
}

std::optional<Ip> ClientAddress(std::string_view client) {
  if (const auto ip = Ip::Parse(client)) return ip;
  const auto with_port = HostPort::Parse(client);
  return with_port ? Ip::Parse(with_port->host) : std::nullopt;
}

std::string WithoutPort(std::string_view client) {
  const auto address = ClientAddress(client);
  return address ? address->ToString() : std::string(client);
}

}  // namespace upgate::route
