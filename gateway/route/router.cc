#include "gateway/route/router.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <re2/re2.h>
#include <tuple>
#include <utility>

#include "gateway/route/text_table.h"

namespace upgate::route {
namespace {

using Kind = config::PathPattern::Kind;
using Index = std::uint32_t;

// What is tried for a path, by the length of the text that it has to begin with: first regular
// expressions, then a prefix.
struct Step {
  std::uint32_t length = 0;
  Index begin = 0;  // of the regular expressions
  Index end = 0;
  bool has_prefix = false;
};

// The paths of one host pattern.
struct Paths {
  Index first_step = 0;
  Index steps = 0;
  bool has_exact = false;
};

struct RegexRoute {
  const RE2* expression;
  std::string_view literal;
  Index route;
};

// What is known of a host pattern while the table is built.
struct Draft {
  std::vector<RegexRoute> regexes;
  std::vector<Step> steps;  // the longest first

  Step& StepOf(std::size_t length) {
    const auto at = std::ranges::lower_bound(steps, length, std::greater(), &Step::length);
    if (at != steps.end() && at->length == length) return *at;
    return *steps.insert(at, Step{.length = static_cast<std::uint32_t>(length)});
  }
};

}  // namespace

// All host patterns share their tables, so that a look-up among very many touches little memory.
struct Router::Table {
  const std::vector<config::Route>& routes;
  std::vector<std::unique_ptr<const RE2>> expressions;
  std::vector<std::unique_ptr<const Matcher>> matchers;  // by route; nullptr without conditions
  // Where several routes have the same host and path, or one has conditions: its routes, in the
  // order of precedence. `exact` and `prefixes` have the index of the route itself where it is the
  // only one, and has none; else the number of routes plus the index here.
  std::vector<std::vector<Index>> lists;
  TextTable exact;     // paths; their space is the index of the host pattern
  TextTable prefixes;  // the same
  std::vector<RegexRoute> regexes;
  std::vector<Step> steps;
  std::vector<Paths> paths;                   // by host pattern; the first is any host
  TextTable exact_hosts;                      // indexes of paths
  TextTable wildcard_hosts;                   // the same, without "*."
  std::vector<std::size_t> wildcard_lengths;  // of wildcard_hosts; descending, unique

  explicit Table(const std::vector<config::Route>& all) : routes(all), paths(1) {
    std::vector<Draft> drafts(1);
    for (Index route = 0; route < routes.size(); ++route) Add(route, drafts);
    for (std::vector<Index>& list : lists) Sort(list);
    const auto shorten = [&](Index list) {
      const std::vector<Index>& in = lists[list];
      const bool plain = in.size() == 1 && matchers[in.front()] == nullptr;
      return plain ? in.front() : static_cast<Index>(routes.size() + list);
    };
    exact.ForEach(shorten);
    prefixes.ForEach(shorten);
    for (Index host = 0; host < drafts.size(); ++host) Finish(drafts[host], paths[host]);
  }

  void Add(Index index, std::vector<Draft>& drafts) {
    const config::Route& route = routes[index];
    matchers.push_back(route.match.empty() ? nullptr : std::make_unique<const Matcher>(route));
    const RE2* expression = nullptr;
    if (route.path.kind == Kind::kRegex) {
      RE2::Options options(RE2::Quiet);
      options.set_max_mem(config::PathPattern::kRegexMemory);
      expression =
          expressions.emplace_back(std::make_unique<const RE2>(route.path.text, options)).get();
    }
    if (route.hosts.empty()) AddTo(0, index, expression, drafts);
    for (const config::HostPattern& host : route.hosts) {
      Index& place = (host.wildcard ? wildcard_hosts : exact_hosts).At(host.host);
      if (place == TextTable::kNone) {
        place = static_cast<Index>(paths.size());
        paths.emplace_back();
        drafts.emplace_back();
        if (host.wildcard) AddLength(host.host.size());
      }
      AddTo(place, index, expression, drafts);
    }
  }

  void AddLength(std::size_t length) {
    const auto at = std::ranges::lower_bound(wildcard_lengths, length, std::greater());
    if (at == wildcard_lengths.end() || *at != length) wildcard_lengths.insert(at, length);
  }

  void AddTo(Index host, Index index, const RE2* expression, std::vector<Draft>& drafts) {
    const config::PathPattern& path = routes[index].path;
    if (path.kind == Kind::kRegex) {
      drafts[host].regexes.push_back({expression, path.literal, index});
      return;
    }
    const bool is_exact = path.kind == Kind::kExact;
    paths[host].has_exact |= is_exact;
    if (!is_exact) drafts[host].StepOf(path.text.size()).has_prefix = true;
    Index& place = (is_exact ? exact : prefixes).At(path.text, host);
    if (place == TextTable::kNone) {
      place = static_cast<Index>(lists.size());
      lists.emplace_back();
    }
    lists[place].push_back(index);
  }

  // Of routes with the same host and path.
  auto RankOf(Index route) const {
    return std::tuple(-static_cast<std::ptrdiff_t>(routes[route].match.count()), route);
  }

  void Sort(std::vector<Index>& list) const {
    std::ranges::sort(list, {}, [&](Index route) { return RankOf(route); });
    // A route may list a host twice.
    list.erase(std::ranges::unique(list).begin(), list.end());
  }

  void Finish(Draft& draft, Paths& of_host) {
    std::ranges::sort(draft.regexes, {}, [&](const RegexRoute& regex) {
      return std::tuple(-static_cast<std::ptrdiff_t>(regex.literal.size()), RankOf(regex.route));
    });
    for (const RegexRoute& regex : draft.regexes) {
      Step& step = draft.StepOf(regex.literal.size());
      if (step.begin == step.end) step.begin = static_cast<Index>(regexes.size());
      regexes.push_back(regex);
      step.end = static_cast<Index>(regexes.size());
    }
    of_host.first_step = static_cast<Index>(steps.size());
    of_host.steps = static_cast<Index>(draft.steps.size());
    steps.insert(steps.end(), draft.steps.begin(), draft.steps.end());
  }

  // Calls `take` with every route of a table's number, in order of precedence, until it returns
  // true; returns whether it did.
  template <class Take>
  bool WalkList(Index number, Take&& take) const {
    if (number == TextTable::kNone) return false;
    if (number < routes.size()) return take(number);
    return std::ranges::any_of(lists[number - routes.size()], take);
  }

  // The same with every route of a host pattern that matches the path.
  template <class Take>
  bool WalkPaths(Index host, std::string_view path, Take&& take) const {
    const Paths& of_host = paths[host];
    if (of_host.has_exact && WalkList(exact.Find(path, host), take)) return true;
    const Step* const end = steps.data() + of_host.first_step + of_host.steps;
    for (const Step* step = end - of_host.steps; step != end; ++step) {
      if (step->length > path.size()) continue;
      for (Index i = step->begin; i < step->end; ++i) {
        const RegexRoute& regex = regexes[i];
        if (!path.starts_with(regex.literal)) continue;
        if (!RE2::PartialMatch({path.data(), path.size()}, *regex.expression)) continue;
        if (take(regex.route)) return true;
      }
      if (!step->has_prefix || (step->length < path.size() && path[step->length] != '/')) continue;
      if (WalkList(prefixes.Find(path.substr(0, step->length), host), take)) return true;
    }
    return false;
  }

  // Defines the order of precedence. Calls `take` with the index of every route that matches by
  // host and path, and the host pattern by which it does, until it returns true.
  template <class Take>
  void Walk(std::string_view host, std::string_view path, Take&& take) const {
    if (!path.starts_with('/')) return;
    const auto among = [&](Index place, std::string_view pattern, bool wildcard) {
      return place != TextTable::kNone &&
             WalkPaths(place, path, [&](Index route) { return take(route, pattern, wildcard); });
    };
    if (among(exact_hosts.Find(host), host, false)) return;
    for (const std::size_t length : wildcard_lengths) {
      // At least one character and a dot must precede the pattern's suffix.
      if (host.size() < length + 2 || host[host.size() - length - 1] != '.') continue;
      const std::string_view suffix = host.substr(host.size() - length);
      if (among(wildcard_hosts.Find(suffix), suffix, true)) return;
    }
    among(0, {}, false);
  }
};

Router::Router(const std::vector<config::Route>& routes)
    : table_(std::make_unique<Table>(routes)) {}

Router::~Router() = default;

const config::Route* Router::Find(std::string_view host, std::string_view path,
                                  const Facts& facts) const {
  const config::Route* found = nullptr;
  table_->Walk(host, path, [&](Index route, std::string_view, bool) {
    const Matcher* matcher = table_->matchers[route].get();
    if (matcher != nullptr && matcher->Check(facts) != Matcher::Verdict::kMatches) return false;
    found = &table_->routes[route];
    return true;
  });
  return found;
}

const config::Route* Router::Find(std::string_view host, std::string_view path) const {
  const config::Route* found = nullptr;
  table_->Walk(host, path, [&](Index route, std::string_view, bool) {
    if (table_->matchers[route] != nullptr) return false;
    found = &table_->routes[route];
    return true;
  });
  return found;
}

std::vector<std::string_view> Router::OtherMethods(std::string_view host, std::string_view path,
                                                   const Facts& facts) const {
  std::vector<std::string_view> methods;
  const auto add = [&](std::string_view method) {
    if (std::ranges::find(methods, method) == methods.end()) methods.push_back(method);
  };
  table_->Walk(host, path, [&](Index route, std::string_view, bool) {
    const Matcher* matcher = table_->matchers[route].get();
    if (matcher == nullptr || matcher->Check(facts) != Matcher::Verdict::kOtherMethod) return false;
    for (const std::string& method : table_->routes[route].match.methods) {
      add(method);
      if (method == "GET") add("HEAD");
    }
    return false;
  });
  return methods;
}

std::vector<RouteMatch> Router::Matches(std::string_view host, std::string_view path) const {
  std::vector<RouteMatch> matches;
  table_->Walk(host, path, [&](Index index, std::string_view pattern, bool wildcard) {
    const config::Route& route = table_->routes[index];
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

const Matcher* Router::matcher(const config::Route& route) const {
  return table_->matchers[static_cast<std::size_t>(&route - table_->routes.data())].get();
}

}  // namespace upgate::route
