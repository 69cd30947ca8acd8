#include "gateway/config/write_config.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/config/mask_secrets.h"
#include "gateway/config/to_value.h"

namespace upgate::config {
namespace {

std::string_view NameOf(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::kNone:
      break;
    case ClientAuth::kOptional:
      return "optional";
    case ClientAuth::kRequired:
      return "required";
  }
  return "none";
}

Value Describe(const Hsts& hsts) {
  Value map;
  Add(map, "max_age", ValueOf(hsts.max_age));
  Add(map, "include_subdomains", ValueOf(hsts.include_subdomains));
  Add(map, "preload", ValueOf(hsts.preload));
  return map;
}

Value Describe(const Listener& listener) {
  Value map;
  Add(map, "address", TextValue(listener.address.ToString()));
  if (IsRouteName(listener.name)) Add(map, "name", ValueOf(listener.name));
  Add(map, "backlog", ValueOf(listener.backlog));
  if (listener.connections != 0) Add(map, "connections", ValueOf(listener.connections));
  if (listener.connections_per_client != 0)
    Add(map, "connections_per_client", ValueOf(listener.connections_per_client));
  Add(map, "accept_rate", ValueOf(listener.accept_rate));
  if (listener.redirect_https != 0) Add(map, "redirect_https", ValueOf(listener.redirect_https));
  if (listener.hsts) Add(map, "hsts", Describe(*listener.hsts));
  Add(map, "dialects", ValueOf(listener.dialects));
  Add(map, "access", ValueOf(listener.access));
  Add(map, "trusted_proxies", ValueOf(listener.trusted_proxies));
  Add(map, "proxy_protocol", PlainValue(listener.proxy_protocol ? "required" : "off"));
  Add(map, "tls", ValueOf(listener.tls));
  return map;
}

Value Describe(const HttpLimits& http) {
  Value map;
  Add(map, "head_size", SizeValue(http.head_size));
  Add(map, "headers", ValueOf(http.headers));
  Add(map, "head_timeout", ValueOf(http.head_timeout));
  Add(map, "idle_timeout", ValueOf(http.idle_timeout));
  Add(map, "body_rate", SizeValue(http.body_rate));
  Add(map, "request_id", ValueOf(http.request_id));
  Add(map, "traceparent", ValueOf(http.traceparent));
  Add(map, "underscores", PlainValue(http.underscores ? "pass" : "drop"));
  return map;
}

Value Describe(const MemoryLimit& limit) {
  return limit.bytes != 0 ? SizeValue(limit.bytes) : PlainValue(fmt::format("{}%", limit.percent));
}

Value Describe(const OverloadLimits& overload) {
  Value map;
  Add(map, "memory", Describe(overload.memory));
  Add(map, "loop_lag", ValueOf(overload.loop_lag));
  return map;
}

Value Describe(const Shutdown& shutdown) {
  Value map;
  Add(map, "delay", ValueOf(shutdown.delay));
  Add(map, "spread", ValueOf(shutdown.spread));
  Add(map, "timeout", ValueOf(shutdown.timeout));
  Add(map, "code", ValueOf(shutdown.code));
  return map;
}

std::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
    case LogLevel::kOff:
      return "error";
    case LogLevel::kInfo:
      break;
  }
  return "info";
}

std::string_view NameOf(LogRequests requests) {
  switch (requests) {
    case LogRequests::kOff:
      return "off";
    case LogRequests::kAll:
      return "all";
    case LogRequests::kErrors:
      break;
  }
  return "errors";
}

Value Describe(const Authenticator& one) {
  Value map;
  Add(map, one.kind, Masked(one.options));
  return map;
}

Value Describe(const LogSettings& log) {
  Value map;
  Add(map, "level", PlainValue(std::string(NameOf(log.level))));
  Add(map, "format", PlainValue(log.format == LogFormat::kText ? "text" : "json"));
  Add(map, "requests", PlainValue(std::string(NameOf(log.requests))));
  return map;
}

std::string_view NameOf(SendProxy version) {
  switch (version) {
    case SendProxy::kOff:
      break;
    case SendProxy::kV1:
      return "v1";
    case SendProxy::kV2:
      return "v2";
  }
  return "off";
}

bool HasTls(const Backend& backend) {
  return std::ranges::any_of(backend.servers, [](const Server& s) { return IsSecure(s.scheme); });
}

Value Describe(const Server& server) {
  Value map;
  Add(map, "url", TextValue(server.url));
  if (server.resolve == Server::Resolve::kEach) Add(map, "resolve", PlainValue("each"));
  if (server.weight != 1) Add(map, "weight", ValueOf(server.weight));
  if (server.backup) Add(map, "backup", ValueOf(server.backup));
  if (server.max_sessions != 0) Add(map, "max_sessions", ValueOf(server.max_sessions));
  return map;
}

Value Describe(const Backend& backend) {
  Value map;
  Add(map, "servers", EachOf(backend.servers, [](const Server& s) { return Describe(s); }));
  Add(map, "connect_timeout", ValueOf(backend.connect_timeout));
  if (backend.relay != Relay::kBytes) {
    Add(map, "first_byte_timeout", ValueOf(backend.first_byte_timeout));
    Add(map, "read_timeout", ValueOf(backend.read_timeout));
    Add(map, "request_timeout", ValueOf(backend.request_timeout));
    if (backend.send_proxy == SendProxy::kOff) {
      Add(map, "pool_size", ValueOf(backend.pool_size));
      Add(map, "pool_idle", ValueOf(backend.pool_idle));
    }
  }
  Add(map, "send_proxy", PlainValue(std::string(NameOf(backend.send_proxy))));
  if (HasTls(backend)) Add(map, "tls", ValueOf(backend.tls));
  AddBalancing(map, backend);
  AddHealth(map, backend);
  if (HasNames(backend)) Add(map, "resolve_interval", ValueOf(backend.resolve_interval));
  return map;
}

}  // namespace

Value ValueOf(const Rate& rate) {
  if (!rate) return {};
  Value map;
  Add(map, "rate", PlainValue(Syntax<EventRate>::Write({rate.amount, rate.period})));
  Add(map, "burst", ValueOf(rate.burst));
  return map;
}

Value ValueOf(const AddressSet& set) {
  Value list = EachOf(set.blocks, [](const Cidr& block) { return TextValue(block.ToString()); });
  if (set.unix_sockets) list.items.push_back(PlainValue("unix"));
  return list;
}

Value ValueOf(const Access& access) {
  if (access.empty()) return {};
  Value map;
  Add(map, "allow", ValueOf(access.allow));
  if (!access.deny.empty()) Add(map, "deny", ValueOf(access.deny));
  return map;
}

Value ValueOf(DialectSet dialects) {
  std::vector<Value> names;
  for (std::size_t i = 0; i < kDialects; ++i) {
    if (dialects.Has(static_cast<Dialect>(i)))
      names.push_back(PlainValue(std::string(kDialectNames[i])));
  }
  return ListOf(std::move(names));
}

Value ValueOf(const std::vector<HostPattern>& hosts) {
  return EachOf(hosts, [](const HostPattern& host) {
    return TextValue((host.wildcard ? "*." : "") + host.host);
  });
}

Value ValueOf(const Certificate& certificate) {
  Value map;
  Add(map, "cert", ValueOf(certificate.cert));
  Add(map, "key", ValueOf(certificate.key));
  return map;
}

Value ValueOf(const ListenerTls& tls) {
  Value map;
  Add(map, "certificates", EachOf(tls.certificates, [](const auto& c) { return ValueOf(c); }));
  Add(map, "min_version", TextValue(tls.min_version == TlsVersion::kTls12 ? "1.2" : "1.3"));
  Add(map, "client_auth", PlainValue(std::string(NameOf(tls.client_auth))));
  Add(map, "client_ca", ValueOf(tls.client_ca));
  return map;
}

Value ValueOf(const ClientTls& tls) {
  Value map;
  Add(map, "verify", ValueOf(tls.verify));
  Add(map, "ca", ValueOf(tls.ca));
  Add(map, "server_name", ValueOf(tls.server_name));
  Add(map, "certificate", ValueOf(tls.certificate));
  return map;
}

Value ValueOf(const Admin& admin) {
  Value map;
  Add(map, "address", TextValue(admin.address.ToString()));
  Add(map, "token_file", ValueOf(admin.token_file));
  if (!admin.hosts.empty()) Add(map, "hosts", ValueOf(admin.hosts));
  Add(map, "tls", ValueOf(admin.tls));
  return map;
}

std::string WriteConfig(const Config& config) {
  Value root;
  Add(root, "listeners", EachOf(config.listeners, [](const Listener& l) { return Describe(l); }));
  Add(root, "admin", ValueOf(config.admin));
  Add(root, "workers", config.workers == 0 ? PlainValue("auto") : ValueOf(config.workers));
  Add(root, "server_header", ValueOf(config.server_header));
  Add(root, "compression_memory", SizeValue(config.compression_memory));
  Add(root, "memory", Describe(config.memory));
  Add(root, "overload", Describe(config.overload));
  Add(root, "shutdown", Describe(config.shutdown));
  Add(root, "drain_spread", ValueOf(config.drain_spread));
  Add(root, "resolve_interval", ValueOf(config.resolve_interval));
  Add(root, "tls_watch", ValueOf(config.tls_watch));
  Add(root, "watch_config", ValueOf(config.watch_config));
  Value dns;
  Add(dns, "servers",
      EachOf(config.dns_servers, [](const std::string& server) { return TextValue(server); }));
  Add(root, "dns", std::move(dns));
  Add(root, "http", Describe(config.http));
  if (!config.errors.empty()) {
    Value errors;
    for (const auto& [status, file] : config.errors) Add(errors, status, ValueOf(file));
    Add(root, "errors", std::move(errors));
  }
  Add(root, "log", Describe(config.log));
  Value auth;
  for (const auto& [name, one] : config.auth) Add(auth, name, Describe(one));
  Add(root, "auth", std::move(auth));
  Value backends;
  for (const auto& [name, backend] : config.backends) Add(backends, name, Describe(backend));
  Add(root, "backends", std::move(backends));
  Add(root, "routes",
      EachOf(config.routes, [&](const Route& route) { return ValueOf(route, config.backends); }));
  return WriteYaml(root);
}

}  // namespace upgate::config
