#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/key.h"
#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

std::string WrittenHost(const HostPattern& host) {
  return (host.wildcard ? "*." : "") + host.host;
}

// Reports each item that is listed twice.
void RejectRepeated(const std::vector<Field>& items, const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < items.size() && i < names.size(); ++i) {
    if (!names[i].empty() && !seen.insert(names[i]).second)
      items[i].Refuse({"is listed twice"}, "");
  }
}

// "*" alone is the same as no hosts at all.
std::vector<HostPattern> ParseHosts(const Field& field) {
  const std::vector<Field> items = field.Items();
  std::vector<HostPattern> hosts;
  std::vector<std::string> names;
  for (const Field& item : items) {
    if (item.value().scalar == "*") {
      if (items.size() == 1) return {};
      item.Refuse({"matches any host", "remove the others"}, "");
      names.emplace_back();
      continue;
    }
    auto host = item.Maybe<HostPattern>();
    names.push_back(host ? WrittenHost(*host) : "");
    if (host) hosts.push_back(std::move(*host));
  }
  if (field.value().kind == Value::Kind::kSequence && items.empty()) {
    field.Error("is an empty list; leave hosts out to match any");
  }
  RejectRepeated(items, names);
  return hosts;
}

std::vector<std::string> ParseSubprotocols(const Field& field) {
  const std::vector<Field> items = field.Items();
  std::vector<std::string> subprotocols;
  std::vector<std::string> names;
  for (const Field& item : items) {
    const auto token = item.Maybe<Token>();
    names.push_back(token ? token->text : "");
    if (token) subprotocols.push_back(token->text);
  }
  RejectRepeated(items, names);
  return subprotocols;
}

std::optional<Replacement> ParseReplacement(Field field) {
  if (!field.present()) return {};
  Replacement replacement;
  replacement.from = field["from"].Required<std::string>();
  replacement.to = field["to"].Required<std::string>();
  if (replacement.from.empty() && field["from"].present()) field["from"].Refuse({"is empty"}, "");
  field.RejectUnknownKeys();
  return replacement;
}

// True if the route's servers speak WebSocket or HTTP.
bool Relays(const std::map<std::string, Backend>& backends, const Route& route) {
  if (route.resolver) return route.resolver->backend.relay != Relay::kBytes;
  const auto backend = backends.find(route.backend.value_or(""));
  return backend != backends.end() && backend->second.relay != Relay::kBytes;
}

// True if the route's destination and its kind are known. Otherwise settings that depend on it are
// not checked.
bool IsKnown(Field& route_field, const std::map<std::string, Backend>& backends,
             const Route& route) {
  for (const std::string_view name : {"backend", "plugin", "split"}) {
    if (!route_field[name].sound()) return false;
  }
  if (route.plugin) return true;
  if (route.resolver) return route_field["options"].sound();
  return route.backend && backends.contains(*route.backend) &&
         route_field.IsSound(MemberKey("backends", *route.backend));
}

// Settings that only HTTP and WebSocket servers understand.
constexpr std::array<std::string_view, 9> kForServers{
    "preserve_host", "forwarded",     "rewrite",         "strip_prefix",       "rewrite_path",
    "rewrite_host",  "rewrite_query", "request_headers", "client_cert_headers"};

// Changes to requests to HTTP servers and to their responses.
void ParseHttpPolicy(Field& field, const std::map<std::string, Backend>& backends, Route& route) {
  route.preserve_host = field["preserve_host"].Optional(route.preserve_host);
  route.forwarded = field["forwarded"].Optional(route.forwarded);
  if (Field rewrite = field["rewrite"]; rewrite.present()) {
    route.rewrite.location = ParseReplacement(rewrite["location"]);
    route.rewrite.cookie_domain = ParseReplacement(rewrite["cookie_domain"]);
    route.rewrite.cookie_path = ParseReplacement(rewrite["cookie_path"]);
    rewrite.RejectUnknownKeys();
  }
  if (!IsKnown(field, backends, route) || Relays(backends, route)) return;
  for (const std::string_view name : kForServers) {
    const Field setting = field[name];
    if (setting.present())
      setting.Error("has no effect: nothing behind this route speaks HTTP; remove it");
  }
}

void ParseUpgradesOf(Field& field, const std::map<std::string, Backend>& backends, Route& route) {
  const Field upgrades = field["upgrades"];
  route.upgrades = ParseUpgrades(upgrades);
  if (!upgrades.present() || !IsKnown(field, backends, route)) return;
  const Relay relay = route.resolver ? route.resolver->backend.relay
                      : route.plugin ? Relay::kBytes
                                     : backends.at(*route.backend).relay;
  if (relay != Relay::kHttp)
    upgrades.Error("has no effect: only http and https servers switch protocols; remove it");
}

void RejectUnknownBackend(const Field& field, const std::string& name,
                          const std::map<std::string, Backend>& backends) {
  if (backends.contains(name)) return;
  std::vector<std::string_view> known;
  for (const auto& backend : backends) known.push_back(backend.first);
  const std::string_view near = NearestOf(name, known);
  std::string instead =
      near.empty() ? "add it to backends" : fmt::format("did you mean '{}'?", near);
  field.Refuse({"is not a backend in this file", std::move(instead)}, "");
}

// Parts of the clients for several backends, which must be of one kind.
std::vector<Share> ParseSplit(const Field& field, const std::map<std::string, Backend>& backends) {
  std::vector<Share> split;
  std::uint64_t total = 0;
  for (Field item : field.Items()) {
    const Field backend = item["backend"];
    Share share{.backend = backend.Required<std::string>()};
    share.weight = item["weight"].Optional(share.weight, {0, 1000});
    item.RejectUnknownKeys();
    if (!share.backend.empty()) RejectUnknownBackend(backend, share.backend, backends);
    if (std::ranges::find(split, share.backend, &Share::backend) != split.end())
      backend.Refuse({"is listed twice"}, "");
    const auto known = backends.find(share.backend);
    const auto first = split.empty() ? backends.end() : backends.find(split.front().backend);
    if (known != backends.end() && first != backends.end() &&
        known->second.relay != first->second.relay) {
      backend.Refuse({"is of a different kind than the first backend",
                      "all of them must carry bytes, frames or HTTP"},
                     "");
    }
    total += share.weight;
    split.push_back(std::move(share));
  }
  if (!field.present() || !field.sound()) return split;
  if (split.size() < 2) {
    field.Error("needs at least two backends; for one, use backend");
  } else if (total == 0) {
    field.Error("has no weight above 0, so no client would go anywhere");
  }
  return split;
}

// Exactly one of `backend`, `split`, `plugin` and `resolver`, and the settings that belong to only
// one of them.
void ParseTarget(Field& field, const std::map<std::string, Backend>& backends,
                 const std::filesystem::path& folder, Route& route) {
  const Field backend = field["backend"];
  const Field plugin = field["plugin"];
  const Field split = field["split"];
  const Field resolver = field["resolver"];
  const Field options = field["options"];
  route.backend = backend.Maybe<std::string>();
  route.split = ParseSplit(split, backends);
  if (split.present() && (backend.present() || plugin.present()))
    split.Error("a route has either a split, a backend or a plugin; remove the others");
  if (!route.backend && !route.split.empty() && !plugin.present() && !resolver.present())
    route.backend = route.split.front().backend;
  route.plugin = plugin.Maybe<std::string>();
  route.plugin_mark = plugin.mark();
  if (backend.present() && route.backend) RejectUnknownBackend(backend, *route.backend, backends);
  if (route.plugin && route.plugin->empty()) plugin.Refuse({"is empty"}, "");
  if (backend.present() && plugin.present()) {
    const bool plugin_last =
        plugin.mark().line > backend.mark().line ||
        (plugin.mark().line == backend.mark().line && plugin.mark().column > backend.mark().column);
    (plugin_last ? plugin : backend)
        .Error("a route has either a backend or a plugin; remove one of them");
  }
  if (resolver.present() && (backend.present() || plugin.present() || split.present()))
    resolver.Error("a route has one of backend, split, plugin and resolver; remove the others");
  const bool somewhere =
      backend.present() || plugin.present() || split.present() || resolver.present();
  if (!somewhere && field.value().kind == Value::Kind::kMap)
    field.Error("goes nowhere; give it a backend, a plugin or a resolver");
  const Field& owner = plugin.present() ? plugin : resolver;
  if (options.present() && !owner.present())
    options.Error("has no effect without a plugin or a resolver; remove it");
  route.options = options.value();
  if (owner.present() && !options.present()) {
    route.options.kind = Value::Kind::kMap;
    route.options.mark = owner.mark();
  }
  if (resolver.present()) route.resolver = ParseResolver(resolver, options, folder);
}

Encoding ParseEncoding(Field& route_field, const std::map<std::string, Backend>& backends,
                       const Route& route) {
  const Field field = route_field["encoding"];
  const auto encoding = field.OneOf<Encoding>({{"auto", Encoding::kAuto},
                                               {"binary", Encoding::kBinary},
                                               {"text", Encoding::kText},
                                               {"base64", Encoding::kBase64}},
                                              Route{}.encoding);
  if (!field.present() || !field.sound() || !IsKnown(route_field, backends, route)) return encoding;
  if (route.plugin && (encoding == Encoding::kText || encoding == Encoding::kBase64)) {
    field.Refuse({"is for byte-stream backends; plugins get messages unchanged", "remove it"}, "");
  } else if (Relays(backends, route)) {
    field.Error("has no effect: the servers behind this route get messages as they are; remove it");
  }
  return encoding;
}

// A route whose clients cannot receive its messages would refuse every one of them.
std::optional<DialectSet> ParseRouteDialects(Field& route_field,
                                             const std::map<std::string, Backend>& backends,
                                             const Route& route) {
  const Field field = route_field["dialects"];
  const auto dialects = ParseDialects(field);
  const bool binary = !dialects || dialects->empty() || dialects->Has(Dialect::kRfc6455) ||
                      dialects->Has(Dialect::kHybi08);
  if (!binary && field.sound() && route.encoding == Encoding::kBinary && !Relays(backends, route)) {
    field.Error("none of these has binary messages; use encoding: auto, text or base64");
  }
  return dialects;
}

// What the gateway does as a WebSocket endpoint of the client and, with enforce, of the server.
void ParseEndpointPolicy(Field& field, const std::map<std::string, Backend>& backends,
                         Route& route) {
  const Field enforce = field["enforce"];
  const Field compression = field["compression"];
  const Field server_compression = field["server_compression"];
  route.enforce = enforce.Optional(route.enforce);
  route.compression = ParseCompression(compression, Compression{});
  // Many servers only support the largest window.
  route.server_compression =
      ParseCompression(server_compression, Compression{.client_max_window_bits = 15});
  const bool relays = Relays(backends, route);
  if (IsKnown(field, backends, route) && !relays) {
    if (enforce.present())
      enforce.Error("has no effect: the gateway is always the WebSocket endpoint of this route");
    if (server_compression.present())
      server_compression.Error("has no effect: this route has no WebSocket server");
  }
  if (!relays || route.enforce || !enforce.sound()) return;
  if (route.compression) {
    compression.Error(
        "needs enforce: true; without it frames pass between client and server as they are, "
        "compressed ones too");
  }
  if (route.server_compression) server_compression.Error("needs enforce: true");
}

// Only these servers choose the size of their messages: the gateway makes those of the others.
void RejectUselessServerLimit(Field& field, const std::map<std::string, Backend>& backends,
                              const Route& route) {
  const Field limit = field["limits"]["server_message_size"];
  if (!limit.present() || !IsKnown(field, backends, route) || Relays(backends, route)) return;
  limit.Error("has no effect: this route has no WebSocket server");
}

void RejectUserWithoutAuth(Field& field, const Route& route) {
  if (route.limits.by != RouteLimits::By::kUser || field["auth"].present()) return;
  field["limits"]["by"].Refuse({"needs auth on this route", "nobody has a name without it"}, "");
}

// `name`: a compression key of the route, for messages of at most `most` bytes, as set by `limit`.
void RejectHighThreshold(Field& route_field, std::string_view name, const Compression& compression,
                         std::string_view limit, std::uint64_t most) {
  Field field = route_field[name];
  if (compression.threshold <= most || !field.sound() || !route_field["limits"].sound()) return;
  const Field threshold = field["threshold"];
  (threshold.present() ? threshold : route_field["limits"][limit])
      .Error(fmt::format("no message is as large as {}.threshold; lower that, or remove {}", name,
                         name));
}

// Rejects compression settings that are valid but never take effect on this route.
void RejectUselessCompression(Field& field, const std::map<std::string, Backend>& backends,
                              const Route& route) {
  Field compression = field["compression"];
  const Field dialects = field["dialects"];
  // Otherwise the gateway's own messages can be larger than those of clients.
  const bool bounded = Relays(backends, route) && route.enforce;
  if (bounded && route.server_compression)
    RejectHighThreshold(field, "server_compression", *route.server_compression, "message_size",
                        route.limits.message_size);
  if (!route.compression || !compression.sound()) return;
  const bool extensions = !route.dialects || route.dialects->Has(Dialect::kRfc6455);
  if (!extensions && dialects.sound()) {
    compression.Error(
        "has no effect: only the dialect rfc6455 supports it; add that to dialects, or remove "
        "compression");
  }
  if (bounded)
    RejectHighThreshold(field, "compression", *route.compression, "server_message_size",
                        MostOfServer(route.limits));
}

PathPattern ParsePath(const Field& field, RegexBudget& regexes) {
  if (!field.present()) return field.Required<PathPattern>();
  return regexes.Read<PathPattern>(field).value_or(PathPattern{});
}

constexpr std::size_t kMaxName = 100;

// What the routes of a file are read with.
struct Around {
  const std::map<std::string, Backend>& backends;
  const std::map<std::string, Authenticator>& auth;
  const std::vector<Listener>& listeners;
  const std::filesystem::path& folder;
  RegexBudget regexes;
};

Route ParseRoute(Field field, std::size_t index, Around& around) {
  const std::map<std::string, Backend>& backends = around.backends;
  Route route;
  route.index = index;
  route.mark = field.mark();
  route.path = ParsePath(field["path"], around.regexes);
  route.hosts = ParseHosts(field["hosts"]);
  route.match = ParseMatch(field["match"], around.listeners, around.regexes);
  ParseTarget(field, backends, around.folder, route);
  route.subprotocols = ParseSubprotocols(field["subprotocols"]);
  route.encoding = ParseEncoding(field, backends, route);
  route.dialects = ParseRouteDialects(field, backends, route);
  ParseEndpointPolicy(field, backends, route);
  ParseHttpPolicy(field, backends, route);
  ParseUpgradesOf(field, backends, route);
  route.compress_http = ParseHttpCompression(field["compress_http"]);
  route.cors = ParseCors(field["cors"]);
  route.rewriting = ParseRewriting(field, route.path, route.cors.has_value(), around.regexes);
  route.require_origin = field["require_origin"].Optional(route.require_origin);
  route.auth = ParseRouteAuth(field["auth"], around.auth);
  route.access = ParseAccess(field["access"]);
  route.limits = ParseLimits(field["limits"]);
  RejectUserWithoutAuth(field, route);
  RejectUselessServerLimit(field, backends, route);
  RejectUselessCompression(field, backends, route);
  route.name = ParseName(field["name"]);
  route.on_change = field["on_change"].OneOf<OnChange>(
      {{"drain", OnChange::kDrain}, {"keep", OnChange::kKeep}, {"close", OnChange::kClose}},
      route.on_change);
  route.words = WordsOf(field.value());
  route.options_words = WordsOf(route.options);
  field.RejectUnknownKeys();
  return route;
}

std::string DefaultName(const Route& route) {
  std::string name = route.path.written;
  for (const HostPattern& host : route.hosts) name += " " + WrittenHost(host);
  return name;
}

// Names given in the file come first, so that no default takes one from a later route.
void NameRoutes(const std::vector<Field>& items, std::vector<Route>& routes) {
  std::map<std::string, int, std::less<>> taken;  // the lines
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (routes[i].name.empty()) continue;
    Field item = items[i];
    const Field name = item["name"];
    const auto [it, fresh] = taken.try_emplace(routes[i].name, name.mark().line);
    if (!fresh)
      name.Refuse({fmt::format("is already the name of the route in line {}", it->second)}, "");
  }
  for (Route& route : routes) {
    if (!route.name.empty()) continue;
    const std::string wanted = DefaultName(route);
    route.name = wanted;
    for (int n = 2; taken.contains(route.name); ++n) route.name = fmt::format("{} #{}", wanted, n);
    taken.emplace(route.name, route.mark.line);
  }
}

// The place of each host, path and `match`; the host is empty for any.
struct Place {
  std::size_t route;
  int line;
};
using Places = std::map<std::array<std::string, 3>, Place>;

// Reports a route that has the same precedence as an earlier one for some request.
void RejectShadowed(Field field, const Route& route, Places& places) {
  if (route.path.written.empty() || !field["match"].sound()) return;
  std::vector<std::string> hosts;
  for (const HostPattern& host : route.hosts) hosts.push_back(WrittenHost(host));
  if (hosts.empty() && field["hosts"].sound()) hosts.emplace_back();
  const std::string match = route.match.empty() ? "" : WordsOf(field["match"].value());
  const Field path = field["path"];
  const Place here{route.index, path.mark().line};
  bool told = false;
  for (const std::string& host : hosts) {
    const auto [it, fresh] = places.try_emplace({host, route.path.written, match}, here);
    if (fresh || told || it->second.route == here.route) continue;
    told = true;
    const std::string on = host.empty() ? "any host" : Excerpt(host);
    path.Refuse({fmt::format("on {} {}is already routed in line {}", on,
                             match.empty() ? "" : "with this match ", it->second.line)},
                "");
  }
}

}  // namespace

bool IsRouteName(std::string_view name) {
  const auto is_visible = [](char c) { return c >= 0x20 && c <= 0x7e; };
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, is_visible) &&
         !name.starts_with(' ') && !name.ends_with(' ');
}

// Empty if there is none.
std::string ParseName(const Field& field) {
  if (!field.present()) return {};
  auto name = field.Required<std::string>();
  if (name.size() > kMaxName) {
    field.Refuse({fmt::format("is longer than {} characters", kMaxName)}, "");
  } else if (!IsRouteName(name)) {
    field.Refuse({"is not a valid name", "use printable ASCII"}, "");
  }
  return name;
}

std::vector<Route> ParseRoutes(const Field& field, const std::map<std::string, Backend>& backends,
                               const std::map<std::string, Authenticator>& auth,
                               const std::vector<Listener>& listeners,
                               const std::filesystem::path& folder) {
  std::vector<Route> routes;
  Places places;
  Around around{
      .backends = backends, .auth = auth, .listeners = listeners, .folder = folder, .regexes = {}};
  const std::vector<Field> items = field.RequiredItems("one route");
  for (const Field& item : items) {
    routes.push_back(ParseRoute(item, routes.size(), around));
    RejectShadowed(item, routes.back(), places);
  }
  NameRoutes(items, routes);
  return routes;
}

}  // namespace upgate::config
