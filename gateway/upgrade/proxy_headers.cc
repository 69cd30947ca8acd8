#include "gateway/upgrade/proxy_headers.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "gateway/backend/own_request.h"
#include "gateway/base/text.h"
#include "gateway/http/proxy_fields.h"
#include "gateway/route/forwarded.h"

namespace upgate::upgrade {
namespace {

constexpr std::string_view kVia = "1.1 upgate";

// HTTP2-Settings is hop-by-hop like the Upgrade that it belongs to, even if Connection does not
// name it (RFC 7540, section 3.2.1).
constexpr std::array<std::string_view, 10> kHopByHop{"connection",          "keep-alive",
                                                     "proxy-connection",    "proxy-authenticate",
                                                     "proxy-authorization", "te",
                                                     "transfer-encoding",   "upgrade",
                                                     "content-length",      "http2-settings"};

// Bit n: one of them has n characters.
constexpr std::uint32_t kHopByHopSizes = [] {
  std::uint32_t sizes = 0;
  for (const std::string_view name : kHopByHop) sizes |= std::uint32_t{1} << name.size();
  return sizes;
}();

// The fields that AddForwarding writes.
constexpr std::array<std::string_view, 6> kForwarding{"x-forwarded-for",  "x-forwarded-proto",
                                                      "x-forwarded-host", "x-forwarded-port",
                                                      "forwarded",        "via"};

// Compares names in any spelling that a CGI server treats as equal ('-' and '_').
bool IsOfForwarding(std::string_view name) {
  // The first letter rules out most fields.
  if (name.empty() || !std::string_view("xfv").contains(ToLower(name.front()))) return false;
  return std::ranges::any_of(
      kForwarding, [&](std::string_view ours) { return http::EqualsAsVariable(name, ours); });
}

bool IsOneOf(std::string_view name, auto&& names) {
  return std::ranges::any_of(names,
                             [&](std::string_view other) { return EqualsIgnoreCase(name, other); });
}

// `named`: the list in the Connection fields of the same head.
bool IsHopByHop(std::string_view named, std::string_view name) {
  // The length rules out most fields.
  const bool of_such_length = name.size() < 32 && (kHopByHopSizes >> name.size() & 1) != 0;
  return (of_such_length && IsOneOf(name, kHopByHop)) ||
         (!named.empty() && ListHasToken(named, name));
}

// Appends `next` to `chain`; either may be empty.
std::string Appended(std::string chain, std::string_view next) {
  if (!chain.empty() && !next.empty()) chain += ", ";
  return chain.append(next);
}

// A client on a unix socket has no address. It is left out of chains: readers behind the gateway
// could not skip an "unknown" in the middle, and who trusts the gateway trusts its proxies.
std::string ForwardedChain(const http::Request& request, const route::SeenAs& seen,
                           const config::TrustedProxies& trusted, const std::string& peer) {
  std::string said;
  said.reserve(sizeof ";proto=;host=\"\"" + seen.scheme.size() + seen.authority.size());
  said.append(";proto=").append(seen.scheme);
  if (!seen.authority.empty()) said.append(";host=\"").append(seen.authority).append("\"");
  std::string chain = seen.by_trusted_proxy ? request.headers.Joined("forwarded") : "";
  if (chain.empty() && seen.by_trusted_proxy)
    chain = route::AsForwarded(request.headers, trusted, said);
  if (peer.empty())
    return chain.empty() ? "for=" + std::string(route::kUnknownClient) + said : chain;
  return Appended(std::move(chain), "for=" + route::ForwardedNode(peer) + said);
}

// X-Forwarded-For of a trusted peer; the client as Forwarded has it, if that was believed.
std::string ClientChain(const http::Headers& in, const route::SeenAs& seen,
                        const config::TrustedProxies& trusted) {
  const bool differs = in.Find("forwarded") != nullptr &&
                       route::ReadXForwarded(in, trusted).client != seen.client &&
                       route::ReadForwarded(in, trusted).client == seen.client;
  if (!differs) return in.Joined("x-forwarded-for");
  return route::ClientAddress(seen.client) ? seen.client : std::string(route::kUnknownClient);
}

// `add(name, value)` is called for each field.
template <class Add>
void AddForwarding(const http::Request& request, const route::SeenAs& seen,
                   const config::TrustedProxies& trusted, const SocketAddress& peer, Add&& add) {
  const http::Headers& in = request.headers;
  const auto* from = std::get_if<IpPort>(&peer);
  const std::string peer_ip = from != nullptr ? from->ip.ToString() : std::string();
  if (seen.by_trusted_proxy) {
    const std::string addresses = Appended(ClientChain(in, seen, trusted), peer_ip);
    if (!addresses.empty()) add("X-Forwarded-For", addresses);
  } else if (!peer_ip.empty()) {
    add("X-Forwarded-For", peer_ip);
  }
  add("X-Forwarded-Proto", seen.scheme);
  if (!seen.authority.empty())  // may be missing in HTTP/1.0
    add("X-Forwarded-Host", seen.authority);
  if (seen.by_trusted_proxy && in.Find("x-forwarded-port") != nullptr)
    add("X-Forwarded-Port", std::to_string(seen.port));
  add("Forwarded", ForwardedChain(request, seen, trusted, peer_ip));
  add("Via", Appended(in.Joined("via"), kVia));
}

void ReplacePrefix(std::string& text, const config::Replacement& replacement) {
  if (text.starts_with(replacement.from)) text.replace(0, replacement.from.size(), replacement.to);
}

// Set-Cookie with its Domain and Path attributes changed (RFC 6265, section 4.1).
std::string RewriteCookie(std::string_view cookie, const config::Rewrite& rewrite) {
  std::string out;
  while (true) {
    const std::size_t end = cookie.find(';');
    std::string_view part = cookie.substr(0, end);
    const std::size_t equals = part.find('=');
    const std::string_view name = Trim(part.substr(0, equals));
    std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : Trim(part.substr(equals + 1));
    const bool first = out.empty();
    const bool bare_domain = value.starts_with('.');
    if (!first && rewrite.cookie_domain && EqualsIgnoreCase(name, "domain") &&
        EqualsIgnoreCase(bare_domain ? value.substr(1) : value, rewrite.cookie_domain->from)) {
      if (!rewrite.cookie_domain->to.empty()) out += "; Domain=" + rewrite.cookie_domain->to;
    } else if (!first && rewrite.cookie_path && EqualsIgnoreCase(name, "path")) {
      std::string path(value);
      ReplacePrefix(path, *rewrite.cookie_path);
      out += "; Path=" + path;
    } else {
      if (!first) out += ';';
      out += part;
    }
    if (end == std::string_view::npos) return out;
    cookie = cookie.substr(end + 1);
  }
}

}  // namespace

http::OutgoingRequest ToServer(const http::Request& request, const http::Headers& fields,
                               const config::Route& route, const config::Server& server,
                               const route::SeenAs& seen, const config::TrustedProxies& trusted,
                               const SocketAddress& peer, const Rewritten* rewritten) {
  http::OutgoingRequest out;
  out.method = request.method;
  if (rewritten != nullptr && !rewritten->target.empty()) {
    out.target = rewritten->target;
  } else {
    out.target = request.target.path == "*" ? "*" : request.target.raw_path;
    if (request.target.has_query) out.target.append("?").append(request.target.query);
  }
  if (rewritten != nullptr && !rewritten->host.empty()) {
    out.headers.Add("Host", rewritten->host);
  } else {
    out.headers.Add("Host", route.preserve_host && !request.target.authority.empty()
                                ? request.target.authority
                                : backend::AuthorityOf(server));
  }
  const http::FieldChanges* changes =
      rewritten != nullptr && !rewritten->fields.empty() ? &rewritten->fields : nullptr;
  const auto dropped = [&](std::string_view name) {
    return changes != nullptr && changes->Drops(name);
  };
  const std::string named = fields.Joined("connection");
  for (const http::Header& header : fields) {
    if (EqualsIgnoreCase(header.name, "host") || IsHopByHop(named, header.name)) continue;
    // RFC 9110, section 10.1.1: ignored in HTTP/1.0.
    if (request.version == http::Version::kHttp10 && EqualsIgnoreCase(header.name, "expect"))
      continue;
    // Proxies' fields about the client are dropped from clients, in any spelling, whether or not
    // the gateway writes them. From a trusted proxy they are kept, unless the gateway writes them
    // itself.
    if (!seen.by_trusted_proxy && http::IsProxyField(header.name)) continue;
    if (route.forwarded && IsOfForwarding(header.name)) continue;
    if (dropped(header.name)) continue;
    out.headers.AddParsed(header);
  }
  if (route.forwarded) {
    AddForwarding(request, seen, trusted, peer, [&](std::string_view name, std::string_view value) {
      if (!dropped(name)) out.headers.Add(name, value);
    });
  }
  if (changes != nullptr) {
    for (const http::Header& header : changes->add) out.headers.Add(header.name, header.value);
  }
  out.has_body = request.has_body;
  if (const std::string* length = request.headers.Find("content-length"))
    out.body.bytes = std::stoull(*length);
  return out;
}

http::Response ToClient(http::Response answer, const config::Route& route) {
  const config::Rewrite& rewrite = route.rewrite;
  const std::string named = answer.headers.Joined("connection");
  answer.headers.Filter([&](http::Header& header) {
    const std::string_view name = header.name;
    // For HEAD and 304 the announced length is kept, as there is no body to measure.
    if (!EqualsIgnoreCase(name, "content-length") && IsHopByHop(named, name)) return false;
    if (route.cors && ToLower(name).starts_with("access-control-")) return false;
    if (rewrite.location &&
        (EqualsIgnoreCase(name, "location") || EqualsIgnoreCase(name, "content-location"))) {
      ReplacePrefix(header.value, *rewrite.location);
    } else if ((rewrite.cookie_domain || rewrite.cookie_path) &&
               EqualsIgnoreCase(name, "set-cookie")) {
      header.value = RewriteCookie(header.value, rewrite);
    }
    return true;
  });
  return answer;
}

}  // namespace upgate::upgrade
