#include "gateway/route/router.h"

#include <algorithm>
#include <functional>
#include <re2/re2.h>
#include <unordered_map>

namespace upgate::route {
namespace {

// A table whose keys are compared with a prefix or suffix of the text. It knows the lengths of its
// keys, so that a lookup costs one hash per length instead of one for each '/' or '.' that a client
// sends.
template <class Value>
struct ByLength {
  std::unordered_map<std::string_view, Value> values;  // the keys are views into the configuration
  std::vector<std::size_t> lengths;                    // of the keys; in descending order, unique

  Value& operator[](std::string_view key) {
    const auto at = std::ranges::lower_bound(lengths, key.size(), std::greater());
    if (at == lengths.end() || *at != key.size()) lengths.insert(at, key.size());
    return values[key];
  }
  const Value* Find(std::string_view key) const {
    const auto it = values.find(key);
    return it == values.end() ? nullptr : &it->second;
  }
};

// The routes of one host pattern, by path.
struct Paths {
  struct Regex {
    const RE2* expression;
    const config::Route* route;
  };
  std::unordered_map<std::string_view, const config::Route*> exact;
  ByLength<const config::Route*> prefixes;
  std::vector<Regex> regexes;  // in file order

  void Add(const config::Route& route, const RE2* expression) {
    const std::string_view text = route.path.text;
    switch (route.path.kind) {
      case config::PathPattern::Kind::kExact:
        exact.try_emplace(text, &route);
        return;
      case config::PathPattern::Kind::kPrefix:
        if (const config::Route*& place = prefixes[text]; place == nullptr) place = &route;
        return;
      case config::PathPattern::Kind::kRegex:
        regexes.push_back({expression, &route});
        return;
    }
  }

  // Calls `take` with every matching route, in order of precedence, until it returns true; returns
  // whether it did.
  template <class Take>
  bool Walk(std::string_view path, Take&& take) const {
    if (const auto it = exact.find(path); it != exact.end() && take(*it->second)) return true;
    for (const std::size_t length : prefixes.lengths) {
      if (length > path.size() || (length < path.size() && path[length] != '/')) continue;
      const auto* route = prefixes.Find(path.substr(0, length));
      if (route != nullptr && take(**route)) return true;
    }
    for (const Regex& regex : regexes) {
      if (!RE2::PartialMatch({path.data(), path.size()}, *regex.expression)) continue;
      if (take(*regex.route)) return true;
    }
    return false;
  }
};

}  // namespace

struct Router::Table {
  std::vector<std::unique_ptr<RE2>> expressions;
  std::unordered_map<std::string_view, Paths> exact_hosts;
  ByLength<Paths> wildcard_hosts;  // without "*."
  Paths any_host;

  void Add(const config::Route& route) {
    const RE2* expression = nullptr;
    if (route.path.kind == config::PathPattern::Kind::kRegex) {
      RE2::Options options(RE2::Quiet);
      options.set_max_mem(config::PathPattern::kRegexMemory);
      expression = expressions.emplace_back(std::make_unique<RE2>(route.path.text, options)).get();
    }
    if (route.hosts.empty()) any_host.Add(route, expression);
    for (const config::HostPattern& host : route.hosts) {
      Paths& paths = host.wildcard ? wildcard_hosts[host.host] : exact_hosts[host.host];
      paths.Add(route, expression);
    }
  }

  // Defines the order of precedence for Find and Matches. Calls `take` with every matching route
  // and the host pattern by which it matches, until it returns true.
  template <class Take>
  void Walk(std::string_view host, std::string_view path, Take&& take) const {
    if (!path.starts_with('/')) return;
    const auto among = [&](const Paths& paths, std::string_view pattern, bool wildcard) {
      return paths.Walk(path,
                        [&](const config::Route& route) { return take(route, pattern, wildcard); });
    };
    if (const auto it = exact_hosts.find(host); it != exact_hosts.end()) {
      if (among(it->second, it->first, false)) return;
    }
    for (const std::size_t length : wildcard_hosts.lengths) {
      // At least one character and a dot must precede the pattern's suffix.
      if (host.size() < length + 2 || host[host.size() - length - 1] != '.') continue;
      const std::string_view suffix = host.substr(host.size() - length);
      const Paths* paths = wildcard_hosts.Find(suffix);
      if (paths != nullptr && among(*paths, suffix, true)) return;
    }
    among(any_host, {}, false);
  }
};

Router::Router(const std::vector<config::Route>& routes) : table_(std::make_unique<Table>()) {
  for (const config::Route& route : routes) table_->Add(route);
}

Router::~Router() = default;

const config::Route* Router::Find(std::string_view host, std::string_view path) const {
  const config::Route* found = nullptr;
  table_->Walk(host, path, [&](const config::Route& route, std::string_view, bool) {
    found = &route;
    return true;
  });
  return found;
}

std::vector<RouteMatch> Router::Matches(std::string_view host, std::string_view path) const {
  std::vector<RouteMatch> matches;
  table_->Walk(
      host, path, [&](const config::Route& route, std::string_view pattern, bool wildcard) {
        // A route with overlapping hosts is visited once for each; only the first counts.
        if (std::ranges::find(matches, &route, &RouteMatch::route) != matches.end()) return false;
        const auto by = std::ranges::find_if(route.hosts, [&](const config::HostPattern& listed) {
          return listed.wildcard == wildcard && listed.host == pattern;
        });
        matches.push_back({&route, by == route.hosts.end() ? nullptr : &*by});
        return false;
      });
  return matches;
}

}  // namespace upgate::route
