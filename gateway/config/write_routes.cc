#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/host_name.h"
#include "gateway/config/mask_secrets.h"
#include "gateway/config/sections.h"
#include "gateway/config/to_value.h"

namespace upgate::config {
namespace {

std::string_view NameOf(Encoding encoding) {
  switch (encoding) {
    case Encoding::kBinary:
      return "binary";
    case Encoding::kText:
      return "text";
    case Encoding::kBase64:
      return "base64";
    case Encoding::kAuto:
      break;
  }
  return "auto";
}

std::string_view NameOf(OnChange action) {
  switch (action) {
    case OnChange::kKeep:
      return "keep";
    case OnChange::kClose:
      return "close";
    case OnChange::kDrain:
      break;
  }
  return "drain";
}

std::string TextOf(const OriginPattern& origin) {
  switch (origin.kind) {
    case OriginPattern::Kind::kAny:
      return "*";
    case OriginPattern::Kind::kNull:
      return "null";
    case OriginPattern::Kind::kText:
      return origin.host;
    case OriginPattern::Kind::kExact:
    case OriginPattern::Kind::kSubdomains:
      break;
  }
  const std::string host = HostInUrl(origin.host);
  const bool wildcard = origin.kind == OriginPattern::Kind::kSubdomains;
  return fmt::format("{}://{}{}{}", origin.scheme, wildcard ? "*." : "", host,
                     origin.any_port ? ":*" : fmt::format(":{}", origin.port));
}

Value Describe(const Compression& compression) {
  Value map;
  Add(map, "level", ValueOf(compression.level));
  Add(map, "threshold", SizeValue(compression.threshold));
  Add(map, "server_no_context_takeover", ValueOf(compression.server_no_context_takeover));
  Add(map, "client_no_context_takeover", ValueOf(compression.client_no_context_takeover));
  Add(map, "server_max_window_bits", ValueOf(compression.server_max_window_bits));
  Add(map, "client_max_window_bits", ValueOf(compression.client_max_window_bits));
  return map;
}

Value Describe(const HttpCompression& compression) {
  Value map;
  Add(map, "level", ValueOf(compression.level));
  Add(map, "min_size", SizeValue(compression.min_size));
  Add(map, "types", ValueOf(compression.types));
  return map;
}

Value CompressionOr(const std::optional<Compression>& compression) {
  return compression ? Describe(*compression) : ValueOf(false);
}

// Absent without any.
Value Describe(const Rewrite& rewrite) {
  Value map;
  Add(map, "location", ValueOf(rewrite.location));
  Add(map, "cookie_domain", ValueOf(rewrite.cookie_domain));
  Add(map, "cookie_path", ValueOf(rewrite.cookie_path));
  return map;
}

std::string_view NameOf(SessionRate::From from) {
  switch (from) {
    case SessionRate::From::kClient:
      return "client";
    case SessionRate::From::kServer:
      return "server";
    case SessionRate::From::kBoth:
      break;
  }
  return "both";
}

// `map`: the rate.
Value WithSession(Value map, const SessionRate& limit) {
  if (!limit.rate) return {};
  Add(map, "over", PlainValue(limit.over == SessionRate::Over::kClose ? "close" : "delay"));
  Add(map, "from", PlainValue(std::string(NameOf(limit.from))));
  return map;
}

Value BytesValue(const Rate& rate) {
  Value map;
  Add(map, "rate", PlainValue(Syntax<ByteRate>::Write({rate.amount, rate.period})));
  Add(map, "burst", SizeValue(rate.burst));
  return map;
}

// Those that are given.
void AddRates(Value& map, const RouteLimits& limits) {
  const bool by_user = limits.by == RouteLimits::By::kUser;
  if (by_user || limits.sessions_per_client != 0 || limits.handshakes || limits.requests)
    Add(map, "by", PlainValue(by_user ? "user" : "address"));
  if (limits.sessions_per_client != 0)
    Add(map, "sessions_per_client", ValueOf(limits.sessions_per_client));
  Add(map, "handshakes", ValueOf(limits.handshakes));
  Add(map, "requests", ValueOf(limits.requests));
  Add(map, "messages", WithSession(ValueOf(limits.messages.rate), limits.messages));
  Add(map, "bytes", WithSession(BytesValue(limits.bytes.rate), limits.bytes));
  if (limits.queue_time.count() != 0) Add(map, "queue_time", ValueOf(limits.queue_time));
}

Value Describe(const RouteLimits& limits, bool relays) {
  Value map;
  Add(map, "message_size", SizeValue(limits.message_size));
  if (relays) Add(map, "server_message_size", SizeValue(limits.server_message_size));
  if (limits.body_size != 0) Add(map, "body_size", SizeValue(limits.body_size));
  Add(map, "sessions", ValueOf(limits.sessions));
  AddRates(map, limits);
  Add(map, "idle", ValueOf(limits.idle));
  Add(map, "ping_interval", ValueOf(limits.ping_interval));
  Add(map, "max_age", ValueOf(limits.max_age));
  Add(map, "close_timeout", ValueOf(limits.close_timeout));
  return map;
}

// What routes to WebSocket and HTTP servers have besides.
void AddRelaySettings(Value& map, const Route& route) {
  Add(map, "enforce", ValueOf(route.enforce));
  if (route.enforce) Add(map, "server_compression", CompressionOr(route.server_compression));
  if (!route.rewriting.host) Add(map, "preserve_host", ValueOf(route.preserve_host));
  Add(map, "forwarded", ValueOf(route.forwarded));
  Add(map, "rewrite", Describe(route.rewrite));
}

}  // namespace

Value ValueOf(const Replacement& replacement) {
  Value map;
  Add(map, "from", ValueOf(replacement.from));
  Add(map, "to", ValueOf(replacement.to));
  return map;
}

Value ValueOf(const Cors& cors) {
  Value map;
  Add(map, "allow_origins",
      EachOf(cors.allow_origins, [](const auto& origin) { return TextValue(TextOf(origin)); }));
  Add(map, "allow_methods", ValueOf(cors.allow_methods));
  Add(map, "allow_headers", ValueOf(cors.allow_headers));
  Add(map, "expose_headers", ValueOf(cors.expose_headers));
  Add(map, "allow_credentials", ValueOf(cors.allow_credentials));
  Add(map, "allow_private_network", ValueOf(cors.allow_private_network));
  Add(map, "max_age", ValueOf(cors.max_age));
  return map;
}

Value ValueOf(const RouteAuth& auth) {
  Value map;
  Add(map, "use", ValueOf(auth.use));
  Add(map, "optional", ValueOf(auth.optional));
  Add(map, "expired_code", ValueOf(auth.expired_code));
  return map;
}

Value ValueOf(const Route& route, const std::map<std::string, Backend>& backends) {
  Value map;
  const bool relays = route.resolver
                          ? route.resolver->backend.relay != Relay::kBytes
                          : route.backend && backends.at(*route.backend).relay != Relay::kBytes;
  if (IsRouteName(route.name)) Add(map, "name", ValueOf(route.name));
  Add(map, "path", ValueOf(route.path.written));
  if (!route.hosts.empty()) Add(map, "hosts", ValueOf(route.hosts));
  if (!route.match.empty()) Add(map, "match", ValueOf(route.match));
  if (route.split.empty()) {
    Add(map, "backend", ValueOf(route.backend));
  } else {
    Add(map, "split", ValueOf(route.split));
  }
  Add(map, "plugin", ValueOf(route.plugin));
  if (route.resolver) Add(map, "resolver", ValueOf(route.resolver->name));
  if (route.plugin || route.resolver) Add(map, "options", Masked(route.options));
  Add(map, "subprotocols", ValueOf(route.subprotocols));
  if (!relays) Add(map, "encoding", PlainValue(std::string(NameOf(route.encoding))));
  Add(map, "dialects", ValueOf(route.dialects));
  Add(map, "compression", CompressionOr(route.compression));
  if (relays) AddRelaySettings(map, route);
  AddRewriting(map, route.rewriting);
  if (!route.upgrades.empty()) Add(map, "upgrades", ValueOf(route.upgrades));
  if (route.compress_http) Add(map, "compress_http", Describe(*route.compress_http));
  Add(map, "cors", ValueOf(route.cors));
  Add(map, "require_origin", ValueOf(route.require_origin));
  Add(map, "auth", ValueOf(route.auth));
  Add(map, "access", ValueOf(route.access));
  Add(map, "limits", Describe(route.limits, relays));
  Add(map, "on_change", PlainValue(std::string(NameOf(route.on_change))));
  return map;
}

}  // namespace upgate::config
