#include "gateway/app/redirects.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "gateway/base/host_name.h"
#include "gateway/base/text.h"

namespace upgate::app {
namespace {

using Kind = config::PathPattern::Kind;

// As many as browsers follow.
constexpr std::size_t kMostRedirects = 20;
constexpr std::size_t kMostWarnings = 20;

// What makes a request the same as another one: the target is compared as the router reads it.
std::string KeyOf(const Question& question) {
  const http::Target& target = question.request.target;
  return fmt::format("{}://{}:{}{}?{}", question.url.scheme, target.host, question.url.port,
                     target.path, target.query);
}

// The hosts that routes name.
class OwnHosts {
 public:
  explicit OwnHosts(const config::Config& config) {
    for (const config::Route& route : config.routes) {
      for (const config::HostPattern& host : route.hosts)
        (host.wildcard ? wildcards_ : exact_).insert(host.host);
    }
  }
  bool Has(const std::string& host) const {
    if (exact_.contains(host)) return true;
    for (std::size_t dot = host.find('.'); dot != std::string::npos;
         dot = host.find('.', dot + 1)) {
      if (wildcards_.contains(host.substr(dot + 1))) return true;
    }
    return false;
  }

 private:
  std::set<std::string> exact_;
  std::set<std::string> wildcards_;  // without "*."
};

std::uint16_t PortOf(const config::Listener& listener) {
  const auto* where = std::get_if<HostPort>(&listener.address.where);
  return where != nullptr ? where->port : 0;
}

// Whether a listener takes clients of the URL: at its own port, or at another one in front of it,
// which may be the scheme's or the one that the client came by before.
bool HasListenerFor(const config::Config& config, const CommandUrl& to, const CommandUrl& from) {
  const bool in_front = to.port == (to.is_secure() ? 443 : 80) ||
                        (to.port == from.port && to.is_secure() == from.is_secure());
  return std::ranges::any_of(config.listeners, [&](const config::Listener& listener) {
    return listener.tls.has_value() == to.is_secure() && (in_front || PortOf(listener) == to.port);
  });
}

// The URL that a client asks for next; empty if it is not of this gateway.
std::string NextUrl(const config::Config& config, const OwnHosts& own, const Question& from,
                    std::string_view location) {
  location = location.substr(0, location.find('#'));
  if (location.starts_with('/')) {
    const std::string origin =
        from.url.scheme.empty() ? "" : fmt::format("{}://{}", from.url.scheme, from.url.authority);
    return origin + std::string(location);
  }
  const auto to = ReadUrl(location);
  if (!to || !HasListenerFor(config, *to, from.url)) return {};
  const bool is_ours = to->host == from.request.target.host || own.Has(to->host);
  return is_ours ? std::string(location) : "";
}

// URLs that the route may match, for a listener with or without TLS: for each host, with the
// listener's port, and with none, as clients of a gateway behind another port see it.
std::vector<std::string> UrlsOf(const config::Route& route, const config::Listener& listener) {
  std::vector<std::string> hosts;
  for (const config::HostPattern& host : route.hosts)
    hosts.push_back((host.wildcard ? "www." : "") + HostInUrl(host.host));
  if (hosts.empty()) hosts.emplace_back("upgate-check.invalid");
  std::string path = route.path.text;
  if (route.path.kind == Kind::kRegex) path = route.path.literal;
  if (route.path.kind == Kind::kPrefix) path += "/upgate-check";
  const bool tls = listener.tls.has_value();
  std::vector<std::string> urls;
  for (const std::string& host : hosts) {
    const std::string origin = fmt::format("{}://{}", tls ? "https" : "http", host);
    urls.push_back(origin + path);
    if (const auto port = PortOf(listener))
      urls.push_back(fmt::format("{}:{}{}", origin, port, path));
  }
  return urls;
}

// False if the route's `match` leaves out all clients of this listener.
bool IsFor(const config::Listener& listener, const config::Conditions& match) {
  const bool asks_tls = !match.sni.empty() || match.tls_version;
  if (asks_tls && !listener.tls) return false;
  return match.listeners.empty() ||
         std::ranges::find(match.listeners, listener.identity()) != match.listeners.end();
}

RedirectChain Follow(const upgrade::Generation& generation, const OwnHosts& own,
                     ExplainSettings settings, std::string location) {
  RedirectChain chain;
  auto at = ReadQuestion(settings);
  std::set<std::string> seen;
  while (at && !chain.endless) {
    if (!seen.insert(KeyOf(*at)).second) chain.endless = true;
    if (!chain.endless && seen.size() > 1) {
      Explanation next = Explain(generation, *at);
      location = std::move(next.location);
      chain.steps.push_back({settings.url, std::move(next.text)});
    }
    if (chain.steps.size() == kMostRedirects) chain.endless = true;
    if (location.empty()) break;
    settings.url = NextUrl(*generation.config, own, *at, location);
    if (settings.url.empty()) break;
    if (!location.starts_with('/')) {
      // What was said of the first request does not hold for another host or port.
      std::erase_if(settings.headers, [](const std::string& header) {
        return EqualsIgnoreCase(header.substr(0, header.find(':')), "host");
      });
      settings.listener.clear();
    }
    at = ReadQuestion(settings);
  }
  return chain;
}

std::optional<RedirectChain> EndlessFrom(const upgrade::Generation& generation, const OwnHosts& own,
                                         const config::Route& route, const std::string& url,
                                         bool tls) {
  ExplainSettings settings{.config_file = {}, .url = url, .headers = {}};
  const auto question = ReadQuestion(settings);
  if (!question) return {};
  const plugin::Service& service = *generation.routes[route.index]->service;
  if (service.MakePreview(question->request, tls).location.empty()) return {};
  Explanation first = Explain(generation, *question);
  if (first.route != &route) return {};
  RedirectChain chain = Follow(generation, own, std::move(settings), std::move(first.location));
  return chain.endless ? std::optional(std::move(chain)) : std::nullopt;
}

std::optional<config::ConfigError> EndlessWarning(const upgrade::Generation& generation,
                                                  const OwnHosts& own, const config::Route& route) {
  for (const config::Listener& listener : generation.config->listeners) {
    if (!IsFor(listener, route.match)) continue;
    for (const std::string& url : UrlsOf(route, listener)) {
      const auto chain = EndlessFrom(generation, own, route, url, listener.tls.has_value());
      if (!chain) continue;
      const std::string way = chain->steps.empty()
                                  ? "to the same URL, in an endless loop"
                                  : "in an endless loop, by way of " + UrlsOf(*chain);
      return config::ConfigError{
          route.mark, fmt::format("routes[{}]", route.index),
          fmt::format("redirects {} clients {}", listener.tls ? "https" : "http", way)};
    }
  }
  return {};
}

}  // namespace

RedirectChain FollowRedirects(const upgrade::Generation& generation, ExplainSettings settings,
                              std::string location) {
  return Follow(generation, OwnHosts(*generation.config), std::move(settings), std::move(location));
}

std::string UrlsOf(const RedirectChain& chain) {
  std::string urls;
  for (const RedirectChain::Step& step : chain.steps) {
    if (!urls.empty()) urls += ", ";
    urls += step.url;
    if (urls.size() > 200) break;
  }
  return urls;
}

std::vector<config::ConfigError> SelfRedirects(const upgrade::Generation& generation) {
  std::vector<config::ConfigError> warnings;
  const OwnHosts own(*generation.config);
  for (const config::Route& route : generation.config->routes) {
    if (generation.routes[route.index]->service == nullptr) continue;
    if (auto warning = EndlessWarning(generation, own, route))
      warnings.push_back(std::move(*warning));
    if (warnings.size() == kMostWarnings) break;
  }
  return warnings;
}

}  // namespace upgate::app
