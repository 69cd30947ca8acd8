#include <fmt/format.h>

#include "gateway/base/match.h"
#include "gateway/config/host_syntax.h"
#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

constexpr std::uint64_t kMostConnections = 1'000'000'000;

ClientAuth ParseClientAuth(const Field& field) {
  return field.OneOf<ClientAuth>({{"none", ClientAuth::kNone},
                                  {"optional", ClientAuth::kOptional},
                                  {"required", ClientAuth::kRequired}},
                                 ListenerTls{}.client_auth);
}

// `read`: all of the trusted proxies could be read.
bool ParseProxyProtocol(const Field& field, const TrustedProxies& trusted, bool read) {
  const bool required = field.OneOf<bool>({{"off", false}, {"required", true}}, false);
  if (required && read && trusted.empty()) {
    field.Error(
        "needs trusted_proxies: a PROXY header is believed from these only; list the addresses of "
        "the proxies in front, such as trusted_proxies: [ 10.0.0.0/8 ]");
  }
  return required;
}

// true, or the port to redirect to.
std::uint16_t ParseRedirect(const Field& field, bool tls) {
  constexpr std::uint16_t kHttps = 443;
  if (!field.present()) return 0;
  const std::string& text = field.value().scalar;
  const bool is_port = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  const std::uint16_t port = is_port                 ? field.Optional<std::uint16_t>(0, {1, 65'535})
                             : field.Optional(false) ? kHttps
                                                     : std::uint16_t{0};
  if (port != 0 && tls)
    field.Error("is for listeners without tls: requests to this one have come by https already");
  return port;
}

// A duration, or a map.
std::optional<Hsts> ParseHsts(Field field, const Listener& listener) {
  constexpr Millis kMost = std::chrono::hours(24 * 3650);
  if (!field.present()) return {};
  Hsts hsts;
  const bool is_map = field.value().kind == Value::Kind::kMap;
  const Field age = is_map ? field["max_age"] : field;
  hsts.max_age = age.Required<Millis>();
  if (hsts.max_age > kMost) age.Refuse({"is out of range", "use 0s to 87600h"}, "");
  if (is_map) {
    hsts.include_subdomains = field["include_subdomains"].Optional(hsts.include_subdomains);
    hsts.preload = field["preload"].Optional(hsts.preload);
    field.RejectUnknownKeys();
  }
  if (!listener.tls && listener.trusted_proxies.empty()) {
    field.Error(
        "has no effect: it is for responses over TLS, which this listener has not, nor has it "
        "trusted_proxies that could");
  }
  return hsts;
}

Listener ParseListener(Field field, const std::filesystem::path& folder, Addresses& taken) {
  Listener listener;
  listener.address = ParseListenAddress(field["address"], taken);
  listener.name = ParseName(field["name"]);
  if (const Field tls = field["tls"]; tls.present()) listener.tls = ParseListenerTls(tls, folder);
  listener.trusted_proxies = ParseAddressSet(field["trusted_proxies"]);
  listener.proxy_protocol = ParseProxyProtocol(field["proxy_protocol"], listener.trusted_proxies,
                                               field["trusted_proxies"].sound());
  listener.access = ParseAccess(field["access"]);
  listener.dialects = ParseDialects(field["dialects"]).value_or(listener.dialects);
  listener.backlog = field["backlog"].Optional(listener.backlog, {1, 65'535});
  listener.connections = field["connections"].Optional(listener.connections, {1, kMostConnections});
  listener.connections_per_client = field["connections_per_client"].Optional(
      listener.connections_per_client, {1, kMostConnections});
  listener.accept_rate = ParseRate(field["accept_rate"]);
  listener.redirect_https = ParseRedirect(field["redirect_https"], listener.tls.has_value());
  listener.hsts = ParseHsts(field["hsts"], listener);
  listener.words = WordsOf(field.value());
  field.RejectUnknownKeys();
  return listener;
}

// A name must not lead to two listeners.
void RejectAmbiguousNames(const std::vector<Field>& items, const std::vector<Listener>& listeners) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const std::string& name = listeners[i].name;
    Field item = items[i];
    for (std::size_t j = 0; j < listeners.size() && !name.empty(); ++j) {
      const bool same = j < i && listeners[j].name == name;
      if (j == i || (!same && listeners[j].address.ToString() != name)) continue;
      item["name"].Refuse({fmt::format("is already the {} of the listener in line {}",
                                       same ? "name" : "address", items[j].mark().line)},
                          "");
      break;
    }
  }
}

}  // namespace

ListenerTls ParseListenerTls(Field field, const std::filesystem::path& folder) {
  ListenerTls tls;
  for (const Field& item : field["certificates"].RequiredItems("one certificate")) {
    tls.certificates.push_back(ParseCertificate(item, folder));
  }
  tls.min_version = field["min_version"].OneOf<TlsVersion>(
      {{"1.2", TlsVersion::kTls12}, {"1.3", TlsVersion::kTls13}}, tls.min_version);
  const Field auth = field["client_auth"];
  tls.client_auth = ParseClientAuth(auth);
  const Field ca = field["client_ca"];
  if (ca.present()) {
    tls.client_ca = ParseFilePath(ca, folder);
    if (!auth.present() || auth.value().scalar == "none") {
      ca.Error("has no effect without client_auth; write client_auth: optional or required");
    }
  } else if (tls.client_auth != ClientAuth::kNone) {
    ca.Error("missing; client_auth needs the CA certificates to verify clients with");
  }
  field.RejectUnknownKeys();
  return tls;
}

ListenAddress ParseListenAddress(const Field& field, Addresses& taken) {
  ListenAddress address{field.Required<Endpoint>(), field.mark(), field.key()};
  const bool reusable =
      std::visit(Match{[](const HostPort& at) { return at.port == 0; },  // the system assigns one
                       [](const UnixPath& at) { return at.path.empty(); }},
                 address.where);
  if (reusable) return address;
  ListenAddress canonical = address;
  if (auto* at = std::get_if<HostPort>(&canonical.where)) at->host = CanonicalHost(at->host);
  const auto [it, fresh] = taken.try_emplace(canonical.ToString(), field.mark().line);
  if (!fresh)
    field.Error(fmt::format("the address {} is already used in line {}",
                            Excerpt(canonical.ToString()), it->second));
  return address;
}

std::vector<Listener> ParseListeners(const Field& field, const std::filesystem::path& folder,
                                     Addresses& taken) {
  std::vector<Listener> listeners;
  const std::vector<Field> items = field.RequiredItems("one listener");
  for (const Field& item : items) listeners.push_back(ParseListener(item, folder, taken));
  RejectAmbiguousNames(items, listeners);
  return listeners;
}

}  // namespace upgate::config
