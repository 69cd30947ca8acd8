#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/resolver_keys.h"
#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

constexpr std::uint64_t kMostSessions = 1'000'000'000;

// Backend names are used as metric labels and in the paths of statistics.
bool IsBackendName(std::string_view text) {
  const auto allowed = [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
}

void ParseResolve(const Field& field, Server& server) {
  if (!field.present()) return;
  using Resolve = Server::Resolve;
  const auto resolve =
      field.OneOf<Resolve>({{"any", Resolve::kAny}, {"each", Resolve::kEach}}, Resolve::kAny);
  if (server.resolve == Resolve::kSrv)
    return field.Error(
        "has no effect: each target of an SRV name is a server of its own; remove it");
  const auto* where = std::get_if<HostPort>(&server.address);
  if (resolve == Resolve::kEach && (where == nullptr || Ip::Parse(where->host)))
    return field.Error("has no effect: the URL has no name that could be looked up");
  server.resolve = resolve;
}

// A server is its URL, or a map with a key `url`.
Server ParseServer(Field field, std::size_t index) {
  Server server;
  server.index = index;
  const bool is_map = field.value().kind == Value::Kind::kMap;
  const Field url = is_map ? field["url"] : field;
  ServerUrl parsed;
  if (IsSrvUrl(url.value().scalar)) {
    const auto srv = url.Required<SrvUrl>();
    parsed = {srv.scheme, HostPort{srv.name, 0}};
    server.resolve = Server::Resolve::kSrv;
  } else {
    parsed = url.Required<ServerUrl>();
  }
  server.scheme = parsed.scheme;
  server.address = std::move(parsed.address);
  if (is_map) {
    ParseResolve(field["resolve"], server);
    server.weight = field["weight"].Optional(server.weight, {1, 1000});
    server.backup = field["backup"].Optional(server.backup);
    server.max_sessions = field["max_sessions"].Optional(server.max_sessions, {0, kMostSessions});
    field.RejectUnknownKeys();
  }
  server.url = url.value().scalar;
  server.mark = url.mark();
  return server;
}

ClientTls ParseClientTls(Field field, const std::filesystem::path& folder) {
  ClientTls tls;
  tls.verify = field["verify"].Optional(tls.verify);
  if (const Field ca = field["ca"]; ca.present()) tls.ca = ParseFilePath(ca, folder);
  if (const auto name = field["server_name"].Maybe<HostName>()) tls.server_name = name->text;
  if (const Field own = field["certificate"]; own.present())
    tls.certificate = ParseCertificate(own, folder);
  field.RejectUnknownKeys();
  return tls;
}

// False for a server that could not be read.
bool IsRead(const Server& server) {
  const auto* where = std::get_if<HostPort>(&server.address);
  return where == nullptr || !where->host.empty();
}

// A backend has one kind of relay, given by its first server.
void RejectMixedRelays(const std::vector<Field>& items, Backend& backend) {
  const auto first = std::ranges::find_if(backend.servers, IsRead);
  if (first == backend.servers.end()) return;
  backend.relay = RelayOf(first->scheme);
  for (std::size_t i = 0; i < backend.servers.size(); ++i) {
    if (!IsRead(backend.servers[i]) || RelayOf(backend.servers[i].scheme) == backend.relay)
      continue;
    items[i].Error(
        "is of a different kind than the first server: tcp, tls and unix carry bytes, ws and wss "
        "frames, http and https HTTP; put it into a separate backend");
  }
}

Millis ParseResolveInterval(const Field& field, const Backend& backend) {
  if (field.present() && !HasNames(backend))
    field.Error("has no effect: no server has resolve: each or an SRV name");
  return field.Optional(Millis{0}, {Millis{1'000}, kHour});
}

SendProxy ParseSendProxy(const Field& field) {
  return field.OneOf<SendProxy>(
      {{"off", SendProxy::kOff}, {"v1", SendProxy::kV1}, {"v2", SendProxy::kV2}},
      Backend{}.send_proxy);
}

// Connections that are not kept cannot be pooled.
void RejectIdlePool(Field& field, const Backend& backend) {
  if (backend.send_proxy == SendProxy::kOff || backend.relay == Relay::kBytes) return;
  for (const std::string_view name : {"pool_size", "pool_idle"}) {
    const Field setting = field[name];
    if (setting.present())
      setting.Error(
          "has no effect with send_proxy: a connection that says whose it is belongs to one client "
          "and is not kept; remove it");
  }
}

void ParseHttpSettings(Field& field, Backend& backend) {
  constexpr Millis kDay = std::chrono::hours(24);
  backend.first_byte_timeout =
      field["first_byte_timeout"].Optional(backend.first_byte_timeout, {Millis{0}, kDay});
  backend.read_timeout = field["read_timeout"].Optional(backend.read_timeout, {Millis{0}, kDay});
  backend.request_timeout =
      field["request_timeout"].Optional(backend.request_timeout, {Millis{0}, kDay});
  backend.pool_size = field["pool_size"].Optional(backend.pool_size, {0, 100'000});
  backend.pool_idle = field["pool_idle"].Optional(backend.pool_idle, {Millis{1}, kDay});
  const bool known = backend.servers.empty() || std::ranges::any_of(backend.servers, IsRead);
  if (!known || backend.relay != Relay::kBytes) return;
  for (const std::string_view name :
       {"first_byte_timeout", "read_timeout", "request_timeout", "pool_size", "pool_idle"}) {
    const Field setting = field[name];
    if (setting.present())
      setting.Error("has no effect: the servers of this backend do not speak HTTP");
  }
}

Backend ParseBackend(Field::Member& member, const std::filesystem::path& folder,
                     std::size_t& server_count) {
  Field& field = member.field;
  Backend backend;
  backend.name = member.name;
  backend.mark = member.mark;
  const std::vector<Field> items = field["servers"].RequiredItems("one server");
  for (const Field& item : items) backend.servers.push_back(ParseServer(item, server_count++));
  RejectMixedRelays(items, backend);
  ParseServerSettings(field, backend, folder);
  ParseBalancing(field, folder, backend);
  ParseHealth(field, backend);
  backend.resolve_interval = ParseResolveInterval(field["resolve_interval"], backend);
  backend.words = WordsOf(field.value());
  field.RejectUnknownKeys();
  return backend;
}

}  // namespace

bool HasNames(const Backend& backend) {
  return std::ranges::any_of(backend.servers,
                             [](const Server& s) { return s.resolve != Server::Resolve::kAny; });
}

std::optional<ClientTls> ParseServiceTls(const Field& field, const std::filesystem::path& folder) {
  if (!field.present()) return {};
  if (field.value().kind == Value::Kind::kMap) return ParseClientTls(field, folder);
  if (!field.Optional(false)) return {};
  return ClientTls{};
}

void ParseServerSettings(Field& field, Backend& backend, const std::filesystem::path& folder) {
  backend.connect_timeout =
      field["connect_timeout"].Optional(backend.connect_timeout, {Millis{1}, Millis{600'000}});
  ParseHttpSettings(field, backend);
  backend.send_proxy = ParseSendProxy(field["send_proxy"]);
  RejectIdlePool(field, backend);
  const Field tls = field["tls"];
  if (!tls.present()) return;
  backend.tls = ParseClientTls(tls, folder);
  const bool used =
      backend.servers.empty() ||
      std::ranges::any_of(backend.servers, [](const Server& s) { return IsSecure(s.scheme); });
  if (!used)
    tls.Error("has no effect: no server of this backend begins with tls://, wss:// or https://");
}

std::map<std::string, Backend> ParseBackends(const Field& field,
                                             const std::filesystem::path& folder) {
  std::map<std::string, Backend> backends;
  std::size_t server_count = 0;
  for (Field::Member& member : field.Members()) {
    if (!IsBackendName(member.name)) {
      member.field.ErrorAt(
          member.mark,
          "is not a valid backend name; use 1 to 64 letters, digits, '-', '_' and '.'");
    }
    backends.emplace(member.name, ParseBackend(member, folder, server_count));
  }
  return backends;
}

}  // namespace upgate::config
