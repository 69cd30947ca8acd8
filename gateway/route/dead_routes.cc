#include "gateway/route/dead_routes.h"

#include <algorithm>
#include <optional>
#include <re2/re2.h>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::route {
namespace {

using Kind = config::PathPattern::Kind;

constexpr int kLongestBound = 256;

// What is known of the paths that a regular expression matches.
struct Shape {
  std::string beginning;  // of every one of them; empty where there is no telling
  bool only = false;      // it is the only one
  bool all = false;       // every path that begins so is one of them
};

// Of an expression that is nothing but text: ^text, ^text.* or ^text$.
std::optional<Shape> ShapeOfText(std::string_view regex) {
  if (regex == "/" || regex == ".*") return Shape{.beginning = "/", .all = true};
  if (!regex.starts_with('^')) return {};
  regex.remove_prefix(1);
  Shape shape;
  shape.only = regex.ends_with('$') && !regex.ends_with("\\$");
  if (shape.only) regex.remove_suffix(1);
  shape.all = !shape.only;
  if (shape.all && regex.ends_with(".*") && !regex.ends_with("\\.*")) regex.remove_suffix(2);
  for (std::size_t i = 0; i < regex.size(); ++i) {
    const bool escaped = regex[i] == '\\';
    if (escaped && ++i == regex.size()) return {};
    const char c = regex[i];
    if (escaped ? IsAlpha(c) || IsDigit(c) : std::string_view(".*+?()[]{}|^$").contains(c))
      return {};
    shape.beginning += c;
  }
  return shape;
}

// There is no telling unless it begins with '^'.
Shape ShapeOf(const std::string& regex) {
  if (auto shape = ShapeOfText(regex)) return std::move(*shape);
  const RE2 expression(regex, RE2::Quiet);
  std::string least;
  std::string most;
  if (!expression.ok() || !regex.starts_with('^') ||
      !expression.PossibleMatchRange(&least, &most, kLongestBound)) {
    return {};
  }
  return {.beginning = {least.begin(), std::ranges::mismatch(least, most).in1}};
}

// Whether all paths of a pattern have other readings (see OtherReadings), to which it does not
// lead.
bool IsAmbiguous(const config::PathPattern& path) {
  const std::string_view text = path.text;
  return text.contains("//") || text.find_first_of(";\\") != std::string_view::npos ||
         (path.kind == Kind::kPrefix && text.ends_with('/'));
}

// The routes of one host pattern. Those of others never stand in the way: a pattern that goes
// before another takes only some of its hosts. Routes with conditions never do, either.
struct Group {
  std::unordered_map<std::string_view, const config::Route*> exact;
  // Regular expressions that take all that begins so, the first of each; "/" takes everything.
  std::unordered_map<std::string, std::vector<const config::Route*>> beginnings;
};

struct Taker {
  const config::Route* route;
  std::string_view why;
};

// True if the first of two regular expressions is tried first.
bool GoesFirst(const config::Route& one, const config::Route& other) {
  const auto rank = [](const config::Route& route) {
    return std::tuple(-static_cast<std::ptrdiff_t>(route.path.literal.size()),
                      -static_cast<std::ptrdiff_t>(route.match.count()), route.index);
  };
  return rank(one) < rank(other);
}

// The route that takes all paths that begin with `known` before `route` gets them.
template <class IsBefore>
std::optional<Taker> TakerOf(const Group& group, std::string_view known, std::string_view why,
                             IsBefore&& is_before) {
  for (std::size_t size = 1; size <= known.size(); ++size) {
    const auto it = group.beginnings.find(std::string(known.substr(0, size)));
    if (it == group.beginnings.end()) continue;
    const auto taker = std::ranges::find_if(it->second, is_before);
    if (taker != it->second.end()) return Taker{*taker, why};
  }
  return {};
}

std::optional<Taker> TakerOfRegex(const Group& group, const Shape& shape,
                                  const config::Route& route) {
  if (shape.only) {
    if (const auto it = group.exact.find(shape.beginning); it != group.exact.end())
      return Taker{it->second, "exact paths go before regular expressions"};
  }
  // Every path begins with '/'.
  return TakerOf(group, shape.beginning.empty() ? "/" : shape.beginning,
                 "of regular expressions the one goes first that begins with more text, and then "
                 "the first in the file",
                 [&](const config::Route* other) { return GoesFirst(*other, route); });
}

// A regular expression that takes all paths of a prefix cannot begin with more text than it has.
std::optional<Taker> TakerOfPrefix(const Group& group, const config::Route& route) {
  const std::string& text = route.path.text;
  return TakerOf(
      group, text.empty() ? "/" : text,
      "a regular expression that begins with as much text goes before a prefix",
      [&](const config::Route* other) { return other->path.literal.size() >= text.size(); });
}

class Groups {
 public:
  explicit Groups(const std::vector<config::Route>& routes) {
    for (const config::Route& route : routes) {
      if (!route.match.empty()) continue;
      const bool regex = route.path.kind == Kind::kRegex;
      const Shape shape = regex ? ShapeOf(route.path.text) : Shape{};
      for (Group* group : Of(route)) {
        if (route.path.kind == Kind::kExact) group->exact.try_emplace(route.path.text, &route);
        if (shape.all)
          group->beginnings[shape.beginning.empty() ? "/" : shape.beginning].push_back(&route);
      }
    }
  }

  // What is wrong with a route that no request comes to.
  std::optional<std::string> FaultOf(const config::Route& route) {
    if (route.path.kind != Kind::kRegex && IsAmbiguous(route.path)) {
      return "no request comes to it: servers read a path with '//', ';' or '\\' in different "
             "ways, "
             "so it is answered with 400";
    }
    if (route.path.kind == Kind::kExact) return {};
    const bool regex = route.path.kind == Kind::kRegex;
    const Shape shape = regex ? ShapeOf(route.path.text) : Shape{};
    if (!shape.beginning.empty() && !shape.beginning.starts_with('/'))
      return "no request comes to it: paths begin with '/'";
    std::optional<Taker> first;
    for (Group* group : Of(route)) {
      const auto taker = regex ? TakerOfRegex(*group, shape, route) : TakerOfPrefix(*group, route);
      if (!taker) return {};
      if (!first) first = taker;
    }
    return fmt::format(
        "no request comes to it: {} of routes[{}] (line {}) takes all that it could match, and {}",
        config::Excerpt(first->route->path.written), first->route->index, first->route->mark.line,
        first->why);
  }

 private:
  std::vector<Group*> Of(const config::Route& route) {
    std::vector<Group*> groups;
    for (const config::HostPattern& host : route.hosts)
      groups.push_back(&groups_[(host.wildcard ? "*." : "") + host.host]);
    if (groups.empty()) groups.push_back(&groups_[""]);
    return groups;
  }

  std::unordered_map<std::string, Group> groups_;
};

}  // namespace

std::vector<config::ConfigError> DeadRoutes(const std::vector<config::Route>& routes) {
  std::vector<config::ConfigError> warnings;
  Groups groups(routes);
  for (const config::Route& route : routes) {
    if (auto fault = groups.FaultOf(route))
      warnings.push_back({route.mark, fmt::format("routes[{}]", route.index), std::move(*fault)});
  }
  return warnings;
}

std::vector<config::ConfigError> UnusedBackends(const config::Config& config) {
  std::set<std::string> used;
  for (const config::Route& route : config.routes) {
    if (route.backend) used.insert(*route.backend);
    for (const config::Share& share : route.split) used.insert(share.backend);
  }
  std::vector<config::ConfigError> warnings;
  for (const auto& [name, backend] : config.backends) {
    if (!used.contains(name))
      warnings.push_back({backend.mark, "backends." + name, "no route uses it"});
  }
  return warnings;
}

}  // namespace upgate::route
