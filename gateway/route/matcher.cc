#include "gateway/route/matcher.h"

#include <algorithm>
#include <optional>
#include <re2/re2.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/host_name.h"
#include "gateway/base/text.h"
#include "gateway/http/cookies.h"
#include "gateway/http/proxy_fields.h"

namespace upgate::route {
namespace {

using ConditionKind = config::ValueCondition::Kind;

bool HasValue(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

// The value of a field as the gateway passes it on; nullopt if it does not.
std::optional<std::string> PassedOn(const Facts& facts, std::string_view name) {
  const http::Headers& headers = facts.request.headers;
  const std::size_t count = headers.Count(name);
  if (count == 0) return {};
  if (!facts.seen.by_trusted_proxy && http::IsProxyField(name)) return {};
  // An upgrade is for the next hop, and the gateway makes it there.
  const bool named = headers.HasToken("connection", name);
  if (named != EqualsIgnoreCase(name, "upgrade")) return {};
  return count == 1 ? *headers.Find(name) : headers.Joined(name);
}

bool OffersOneOf(const http::Headers& headers, const std::vector<std::string>& subprotocols) {
  for (const std::string_view field : {"sec-websocket-protocol", "websocket-protocol"}) {
    const std::string offered = headers.Joined(field);
    std::string_view list = offered;
    for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
      if (HasValue(subprotocols, item)) return true;
    }
  }
  return false;
}

bool IsOneOf(const config::HostPattern& pattern, std::string_view name) {
  if (!pattern.wildcard) return name == pattern.host;
  return name.size() > pattern.host.size() + 1 && name.ends_with(pattern.host) &&
         name[name.size() - pattern.host.size() - 1] == '.';
}

bool HasServerName(const io::TlsInfo* tls, const std::vector<config::HostPattern>& patterns) {
  if (tls == nullptr || tls->server_name.empty()) return false;
  const std::string lower = ToLower(tls->server_name);
  const std::string_view name = WithoutRootDot(lower);
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return IsOneOf(pattern, name); });
}

bool HasVersion(const io::TlsInfo* tls, config::TlsVersion version) {
  return tls != nullptr &&
         tls->version == (version == config::TlsVersion::kTls13 ? "TLSv1.3" : "TLSv1.2");
}

bool IsAmong(std::string_view client, const std::vector<Cidr>& blocks) {
  const auto address = ClientAddress(client);
  return address &&
         std::ranges::any_of(blocks, [&](const Cidr& block) { return block.Contains(*address); });
}

std::string Describe(std::string_view what, const config::ValueCondition& condition) {
  const std::string name = Printable(condition.name, 60);
  switch (condition.kind) {
    case ConditionKind::kPresent:
      return fmt::format("the {} {} is present", what, name);
    case ConditionKind::kRegex:
      return fmt::format("the {} {} matches {}", what, name, Printable(condition.text, 60));
    case ConditionKind::kExact:
      break;
  }
  return fmt::format("the {} {} is '{}'", what, name, Printable(condition.text, 60));
}

const char* NameOf(config::TlsVersion version) {
  return version == config::TlsVersion::kTls13 ? "1.3" : "1.2";
}

std::string WrittenAs(const std::string& text) {
  return text;
}
std::string WrittenAs(const Cidr& block) {
  return block.ToString();
}
std::string WrittenAs(const config::HostPattern& pattern) {
  return (pattern.wildcard ? "*." : "") + pattern.host;
}

template <class Item>
std::string Either(const std::vector<Item>& items) {
  std::string text;
  for (const Item& item : items) text.append(text.empty() ? "" : " or ").append(WrittenAs(item));
  return text;
}

}  // namespace

struct Matcher::Test {
  const config::ValueCondition* condition;
  std::unique_ptr<const RE2> regex;

  bool Holds(const std::optional<std::string>& value) const {
    if (!value) return false;
    if (condition->kind == ConditionKind::kPresent) return true;
    if (condition->kind == ConditionKind::kExact) return *value == condition->text;
    return RE2::PartialMatch(*value, *regex);
  }

  static std::vector<Test> Of(const std::vector<config::ValueCondition>& conditions) {
    std::vector<Test> tests;
    for (const config::ValueCondition& condition : conditions) {
      Test& test = tests.emplace_back(&condition, nullptr);
      if (condition.kind != ConditionKind::kRegex) continue;
      RE2::Options options(RE2::Quiet);
      options.set_max_mem(config::PathPattern::kRegexMemory);
      test.regex = std::make_unique<const RE2>(condition.text, options);
    }
    return tests;
  }
};

Matcher::Matcher(const config::Route& route)
    : route_(route),
      headers_(Test::Of(route.match.headers)),
      query_(Test::Of(route.match.query)),
      cookies_(Test::Of(route.match.cookies)) {}

Matcher::~Matcher() = default;

bool Matcher::HasMethod(const http::Request& request) const {
  const std::string asked = IsPreflight(request)
                                ? request.headers.Joined("access-control-request-method")
                                : request.method;
  return HasValue(route_.match.methods, asked) ||
         (asked == "HEAD" && HasValue(route_.match.methods, "GET"));
}

bool Matcher::HasHeader(const Facts& facts, const Test& test) const {
  const http::Headers& headers = facts.request.headers;
  const bool announced = route_.cors && IsPreflight(facts.request) &&
                         headers.HasToken("access-control-request-headers", test.condition->name);
  return announced || test.Holds(PassedOn(facts, test.condition->name));
}

// Calls `visit(holds, describe)` for each condition but that on the method, until it returns false.
template <class Visit>
void Matcher::Walk(const Facts& facts, Visit&& visit) const {
  const config::Conditions& match = route_.match;
  const auto each = [&](const std::vector<Test>& tests, std::string_view what, auto&& holds) {
    return std::ranges::all_of(tests, [&](const Test& test) {
      return visit(holds(test), [&] { return Describe(what, *test.condition); });
    });
  };
  const auto one = [&](bool given, auto&& holds, auto&& describe) {
    return !given || visit(holds(), describe);
  };
  const bool done =
      each(headers_, "header", [&](const Test& test) { return HasHeader(facts, test); }) &&
      each(query_, "query parameter",
           [&](const Test& test) {
             return test.Holds(http::QueryValue(facts.request.target.query, test.condition->name));
           }) &&
      each(cookies_, "cookie",
           [&](const Test& test) {
             return test.Holds(std::optional<std::string>(
                 http::CookieValue(facts.request.headers, test.condition->name)));
           }) &&
      one(
          !match.subprotocols.empty(),
          [&] { return OffersOneOf(facts.request.headers, match.subprotocols); },
          [&] {
            return fmt::format("the client offers the subprotocol {}", Either(match.subprotocols));
          }) &&
      one(
          !match.clients.empty(), [&] { return IsAmong(facts.seen.client, match.clients); },
          [&] { return fmt::format("the client is in {}", Either(match.clients)); }) &&
      one(
          !match.listeners.empty(),
          [&] { return HasValue(match.listeners, facts.listener.identity()); },
          [&] { return fmt::format("it came by the listener {}", Either(match.listeners)); }) &&
      one(
          !match.sni.empty(), [&] { return HasServerName(facts.tls, match.sni); },
          [&] { return fmt::format("the server name in TLS is {}", Either(match.sni)); }) &&
      one(
          match.tls_version.has_value(), [&] { return HasVersion(facts.tls, *match.tls_version); },
          [&] { return fmt::format("the version of TLS is {}", NameOf(*match.tls_version)); });
  static_cast<void>(done);
}

Matcher::Verdict Matcher::Check(const Facts& facts) const {
  bool rest = true;
  Walk(facts, [&](bool holds, auto&&) { return rest = holds; });
  if (!rest) return Verdict::kNot;
  const bool method = route_.match.methods.empty() || HasMethod(facts.request);
  return method ? Verdict::kMatches : Verdict::kOtherMethod;
}

std::vector<Matcher::Condition> Matcher::Explain(const Facts& facts) const {
  std::vector<Condition> conditions;
  const auto add = [&](std::string text, bool holds) {
    Condition& condition = conditions.emplace_back();
    condition.text = std::move(text);
    condition.holds = holds;
  };
  if (!route_.match.methods.empty()) {
    add(fmt::format("the method is {}", Either(route_.match.methods)), HasMethod(facts.request));
  }
  Walk(facts, [&](bool holds, auto&& describe) {
    add(describe(), holds);
    return true;
  });
  return conditions;
}

}  // namespace upgate::route
