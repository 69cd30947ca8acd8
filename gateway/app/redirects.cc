#include "gateway/app/redirects.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::app {
namespace {

using Kind = config::PathPattern::Kind;

// A URL that the route matches, for a listener with or without TLS.
std::string UrlOf(const config::Route& route, bool tls) {
  std::string host = "example.com";
  if (!route.hosts.empty())
    host = (route.hosts.front().wildcard ? "www." : "") + route.hosts.front().host;
  const std::string_view name = route.path.kind == Kind::kPrefix ? "/upgate-check" : "";
  return fmt::format("{}://{}{}{}", tls ? "https" : "http", host, route.path.text, name);
}

// False if the route's `match` leaves out all clients of this listener.
bool IsFor(const config::Listener& listener, const config::Conditions& match) {
  const bool asks_tls = !match.sni.empty() || match.tls_version;
  if (asks_tls && !listener.tls) return false;
  return match.listeners.empty() ||
         std::ranges::find(match.listeners, listener.identity()) != match.listeners.end();
}

bool SendsToItself(const plugin::Service& service, const config::Route& route, bool tls) {
  const auto question = ReadQuestion({.config_file = {}, .url = UrlOf(route, tls), .headers = {}});
  if (!question) return false;
  const std::string location = service.MakePreview(question->request, tls).location;
  return !location.empty() && FollowRedirect(*question, location).itself;
}

}  // namespace

Redirected FollowRedirect(const Question& question, std::string_view location) {
  const CommandUrl& from = question.url;
  if (location.starts_with('/')) {
    const std::string origin =
        from.scheme.empty() ? "" : fmt::format("{}://{}", from.scheme, from.authority);
    return {.url = origin + std::string(location), .itself = location == from.target};
  }
  const auto to = ReadUrl(location);
  if (!to || to->host != question.request.target.host) return {};
  return {.url = std::string(location),
          .itself = to->scheme == from.scheme && to->host == from.host && to->port == from.port &&
                    to->target == from.target};
}

std::vector<config::ConfigError> SelfRedirects(const upgrade::Generation& generation) {
  std::vector<config::ConfigError> warnings;
  for (const config::Route& route : generation.config->routes) {
    const plugin::Service* service = generation.routes[route.index]->service.get();
    if (service == nullptr || route.path.kind == Kind::kRegex) continue;
    for (const config::Listener& listener : generation.config->listeners) {
      const bool tls = listener.tls.has_value();
      if (!IsFor(listener, route.match) || !SendsToItself(*service, route, tls)) continue;
      warnings.push_back({route.mark, fmt::format("routes[{}]", route.index),
                          fmt::format("redirects {} clients to the same URL, in an endless loop",
                                      tls ? "https" : "http")});
      break;
    }
  }
  return warnings;
}

}  // namespace upgate::app
