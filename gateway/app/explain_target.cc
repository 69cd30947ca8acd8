#include "gateway/app/explain_target.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "gateway/base/text.h"
#include "gateway/http/proxy_fields.h"
#include "gateway/upgrade/decision.h"

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

void TellBackend(Lines& out, const config::Backend& backend) {
  out.Add("to", "backend {}, {}", backend.name, NameOf(backend.relay));
  for (const auto& server : backend.servers) out.Add("", "{}", server.url);
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
    const bool set = std::ranges::any_of(
        changes.add, [&](const auto& header) { return http::FoldsTo(header.name, dropped); });
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
    out.Add("  upgrades", "to websocket, {}", fmt::join(route.upgrades, ", "));
}

}  // namespace

void TellTarget(Lines& out, const upgrade::Generation& generation, const config::Route& route,
                const upgrade::VariableSource& source, const plugin::Service::Preview& preview) {
  const upgrade::Rewriter* rewriter = generation.routes[route.index]->rewriter.get();
  if (!route.backend) {
    out.Add("to", "plugin {}", *route.plugin);
    if (!preview.line.empty()) out.Add("", "{}", preview.line);
  } else {
    const std::size_t chosen =
        route.split.empty() ? 0 : upgrade::ShareOf(source.seen.client, route.split);
    const std::string& name = route.split.empty() ? *route.backend : route.split[chosen].backend;
    const config::Backend& backend = generation.config->backends.at(name);
    TellBackend(out, backend);
    TellSplit(out, route, chosen);
    if (backend.relay != config::Relay::kBytes) TellRequest(out, route, rewriter, source);
  }
  if (rewriter != nullptr) TellChanges(out, "  response", rewriter->ToClient(source));
}

}  // namespace upgate::app
