#include "gateway/app/explain_target.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/app/explain_servers.h"
#include "gateway/base/text.h"
#include "gateway/config/target_syntax.h"
#include "gateway/http/proxy_fields.h"
#include "gateway/upgrade/decision.h"
#include "gateway/upgrade/server_choice.h"

namespace upgate::app {
namespace {

std::string_view NameOf(config::Relay relay) {
  switch (relay) {
    case config::Relay::kBytes:
      return "payload as bytes";
    case config::Relay::kFrames:
      return "WebSocket frames";
    case config::Relay::kHttp:
      break;
  }
  return "HTTP and its WebSocket upgrades";
}

// What sets a server apart from the others.
std::string Share(const config::Server& server) {
  std::string share;
  if (server.weight != 1) share += fmt::format(", weight {}", server.weight);
  if (server.backup) share += ", backup";
  if (server.max_sessions != 0) share += fmt::format(", at most {} sessions", server.max_sessions);
  return share;
}

// The server that a key belongs to.
void Predict(Lines& out, const backend::BackendRecord& record, const backend::Wish& wish) {
  const backend::HashRing& ring = *record.ring;
  std::size_t place = ring.Find(*wish.key);
  // Not all are backups.
  while (record.config->servers[ring.ServerAt(place)].backup) place = ring.Next(place);
  out.Add("  server", "{}, as long as that can take clients",
          record.config->servers[ring.ServerAt(place)].url);
}

std::string_view NameOf(config::HealthCheck::Kind kind) {
  switch (kind) {
    case config::HealthCheck::Kind::kTcp:
      break;
    case config::HealthCheck::Kind::kHttp:
      return "http";
    case config::HealthCheck::Kind::kWs:
      return "ws";
  }
  return "tcp";
}

// When a server gets no clients, and who gets its requests then.
void TellFailures(Lines& out, const config::Backend& backend) {
  if (backend.ejection && backend.servers.size() > 1)
    out.Add("  ejection", "after {} failures in a row for {}, of at most {}% of the servers",
            backend.ejection->failures, Duration(backend.ejection->time, "0"),
            backend.ejection->most);
  if (backend.health) {
    const config::HealthCheck& check = *backend.health;
    out.Add("  health", "{}{} every {}; down after {} failures, up after {} successes",
            NameOf(check.kind),
            check.kind == config::HealthCheck::Kind::kTcp ? "" : " " + check.path,
            Duration(check.interval, "0"), check.fall, check.rise);
  }
  if (backend.retry)
    out.Add("  retry", "up to {} servers for one request{}{}{}", backend.retry->tries,
            backend.retry->connect ? ", on connect" : "",
            backend.retry->timeout ? ", on timeout" : "",
            backend.retry->status ? ", on status" : "");
}

// How the servers are chosen, and which one it would be where that is not up to chance.
void TellBalancing(Lines& out, const backend::BackendRecord& record, const route::SeenAs& seen,
                   const http::Request& request, bool live) {
  const config::Backend& backend = *record.config;
  if (backend.servers.size() > 1) {
    const bool by_hash = backend.balance == config::Balance::kHash;
    out.Add("  balance", "{}{}", NameOf(backend.balance),
            by_hash ? " of " + config::ToString(backend.hash) : "");
    if (backend.slow_start.count() != 0)
      out.Add("", "a server that comes back gets its share within {}",
              Duration(backend.slow_start, "0"));
  }
  const backend::Wish wish = upgrade::WishOf(record, request, seen);
  if (live) {
    TellChoice(out, record, wish);
  } else if (wish.server) {
    out.Add("  server", "{}, by its cookie, as long as that can take clients",
            backend.servers[*wish.server].url);
  } else if (wish.key) {
    Predict(out, record, wish);
  } else if (backend.balance == config::Balance::kHash) {
    out.Add("  server", "in turn: the request has no {}", config::ToString(backend.hash));
  }
  if (backend.sticky)
    out.Add("  sticky", "by the cookie {}{}", backend.sticky->cookie,
            wish.server ? "" : ", which the response sets");
  TellFailures(out, backend);
}

void TellProxyHeader(Lines& out, config::SendProxy version) {
  if (version == config::SendProxy::kOff) return;
  out.Add("", "each connection begins with a PROXY header of version {}",
          version == config::SendProxy::kV1 ? 1 : 2);
}

// How names are looked up that stand for several servers.
void TellNames(Lines& out, const config::Backend& backend) {
  for (const auto& server : backend.servers) {
    if (server.resolve == config::Server::Resolve::kAny) continue;
    out.Add("", "{} of {} is a server, looked up every {}",
            server.resolve == config::Server::Resolve::kEach ? "each address" : "each target",
            server.url, Duration(backend.resolve_interval, "0"));
  }
}

// `configured`: with the names in the place of the servers that they stand for.
void TellBackend(Lines& out, const backend::BackendRecord& record,
                 const config::Backend& configured, const upgrade::VariableSource& source,
                 bool live) {
  const config::Backend& backend = *record.config;
  out.Add("to", "backend {}, {}", backend.name, NameOf(backend.relay));
  for (std::size_t i = 0; i < backend.servers.size(); ++i) {
    out.Add("", "{}{}{}", backend.servers[i].url, Share(backend.servers[i]),
            live ? StateOf(record, i) : "");
  }
  TellNames(out, configured);
  TellProxyHeader(out, backend.send_proxy);
  TellBalancing(out, record, source.seen, source.request, live);
}

// The token itself is not shown: it is a secret, and who asks knows it.
void TellResolver(Lines& out, const config::Resolver& resolver, const std::string& where) {
  std::vector<std::string> places, targets;
  for (const config::TokenPlace& place : resolver.from)
    places.push_back(config::WrittenPlace(place));
  for (const config::TargetPattern& target : resolver.allow) targets.push_back(target.written);
  out.Add("to", "the server that the resolver {} finds, {}", resolver.name,
          NameOf(resolver.backend.relay));
  if (!where.empty()) out.Add("", "{}", where);
  out.Add("", "by the token in {}", Join(places, ", or "));
  out.Add("", "allowed are {}", Join(targets, ", "));
}

void TellSplit(Lines& out, const config::Route& route, std::size_t chosen) {
  if (route.split.empty()) return;
  std::string parts;
  for (const config::Share& share : route.split)
    parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", share.backend, share.weight);
  out.Add("  split", "{}; this client, by its address, goes to {}", parts,
          route.split[chosen].backend);
}

void TellChanges(Lines& out, std::string_view name, const http::FieldChanges& changes) {
  for (const std::string& dropped : changes.drop) {
    const bool set = std::ranges::any_of(changes.add, [&](const auto& header) {
      return http::EqualsAsVariable(header.name, dropped);
    });
    if (set) continue;
    out.Add(name, "without {}", dropped);
    name = "";
  }
  for (const http::Header& header : changes.add) {
    out.Add(name, "{}: {}", header.name, Printable(header.value));
    name = "";
  }
}

// What the server gets instead of what the client sent.
void TellRequest(Lines& out, const config::Route& route, const upgrade::Rewriter* rewriter,
                 const upgrade::VariableSource& source) {
  const bool changes = rewriter != nullptr && rewriter->changes_requests();
  const auto rewritten = changes ? rewriter->ToServer(source) : upgrade::Rewritten{};
  if (!rewritten) return out.Add("  request", "400: {}", rewritten.error());
  if (!rewritten->target.empty()) out.Add("  request", "{}", Printable(rewritten->target));
  out.Add("  headers", "Host {}; {}",
          !rewritten->host.empty() ? rewritten->host
          : route.preserve_host    ? "as the client sent it"
                                   : "of the server",
          route.forwarded ? "X-Forwarded-*, Forwarded and Via are added"
                          : "nothing about the client is added");
  TellChanges(out, "", rewritten->fields);
  if (!route.upgrades.empty())
    out.Add("  upgrades", "to websocket, {}", Join(route.upgrades, ", "));
}

}  // namespace

void TellTarget(Lines& out, const upgrade::Generation& generation, const config::Route& route,
                const upgrade::VariableSource& source, const plugin::Service::Preview& preview,
                bool live) {
  const upgrade::Rewriter* rewriter = generation.routes[route.index]->rewriter.get();
  if (route.plugin) {
    out.Add("to", "plugin {}", *route.plugin);
    if (!preview.line.empty()) out.Add("", "{}", preview.line);
  } else if (route.resolver) {
    const config::Backend& backend = route.resolver->backend;
    TellResolver(out, *route.resolver, preview.line);
    TellProxyHeader(out, backend.send_proxy);
    if (backend.relay != config::Relay::kBytes) TellRequest(out, route, rewriter, source);
  } else {
    const std::size_t chosen =
        route.split.empty() ? 0 : upgrade::ShareOf(source.seen.client, route.split);
    const std::string& name = route.split.empty() ? *route.backend : route.split[chosen].backend;
    const backend::BackendRecord& record = *generation.backends.at(name);
    TellBackend(out, record, generation.config->backends.at(name), source, live);
    TellSplit(out, route, chosen);
    if (record.config->relay != config::Relay::kBytes) TellRequest(out, route, rewriter, source);
  }
  if (rewriter != nullptr) TellChanges(out, "  response", rewriter->ToClient(source));
}

}  // namespace upgate::app
