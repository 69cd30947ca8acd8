#include "gateway/route/auth_warnings.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/address.h"
#include "gateway/route/auth_order.h"

namespace upgate::route {
namespace {

using config::Authenticator;
using config::ConfigError;
using config::Value;

constexpr std::size_t kMostAuthWarnings = 50;

bool Uses(const config::Route& route, const std::string& name) {
  return route.auth && std::ranges::find(route.auth->use, name) != route.auth->use.end();
}

class Warnings {
 public:
  explicit Warnings(const config::Config& config) : config_(config) {}

  std::vector<ConfigError> Find() {
    for (const auto& [name, one] : config_.auth) Check(one);
    for (const config::Route& route : config_.routes) Check(route);
    return std::move(found_);
  }

 private:
  void Add(config::Mark mark, std::string key, std::string message) {
    if (found_.size() < kMostAuthWarnings)
      found_.push_back({mark, std::move(key), std::move(message)});
  }
  void AddAt(const Authenticator& one, const Value* option, std::string_view name,
             std::string message) {
    std::string key = fmt::format("auth.{}.{}", one.name, one.kind);
    if (option != nullptr) key.append(".").append(name);
    Add(option != nullptr ? option->mark : one.mark, std::move(key), std::move(message));
  }
  void AddAt(const config::Route& route, std::string_view key, std::string message) {
    Add(route.mark, fmt::format("routes[{}].{}", route.index, key), std::move(message));
  }

  void Check(const Authenticator& one) {
    const bool is_used = std::ranges::any_of(
        config_.routes, [&](const auto& route) { return Uses(route, one.name); });
    if (!is_used)
      AddAt(one, nullptr, "", "no route uses it; name it in auth of a route, or remove it");
    if (one.kind == "jwt") CheckJwt(one);
    if (one.kind == "basic") CheckPasswordsInClear(one);
    for (const std::string_view name : {"file", "secret_file"}) {
      if (const Value* file = OptionOf(one, name)) CheckMode(one, name, *file);
    }
  }

  void CheckJwt(const Authenticator& one) {
    if (OptionOf(one, "issuer") == nullptr && OptionOf(one, "audience") == nullptr) {
      AddAt(one, nullptr, "",
            "every token that its keys have signed is good, also one for another application; set "
            "audience, and issuer");
    }
    const Value* keys = OptionOf(one, "keys");
    constexpr std::string_view kPlain = "http://";
    if (keys == nullptr || !keys->scalar.starts_with(kPlain)) return;
    std::string_view authority = std::string_view(keys->scalar).substr(kPlain.size());
    authority = authority.substr(0, authority.find_first_of("/?"));
    if (!IsNear(authority)) {
      AddAt(one, keys, "keys",
            "the keys are fetched without TLS: whoever can change them on their way can sign "
            "tokens; use https://");
    }
  }

  // "localhost", "127.0.0.1:80" or "[::1]:80".
  static bool IsNear(std::string_view authority) {
    std::string_view host = authority.substr(0, authority.rfind(':'));
    if (authority.ends_with(']')) host = authority;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host == "localhost" || host.ends_with(".localhost")) return true;
    const auto ip = Ip::Parse(host);
    return ip && IsLoopback(*ip);
  }

  // Behind a trusted proxy, TLS is probably up to that.
  void CheckPasswordsInClear(const Authenticator& one) {
    const auto is_clear = [](const config::Listener& listener) {
      const auto* where = std::get_if<HostPort>(&listener.address.where);
      if (where == nullptr || listener.tls || listener.redirect_https != 0) return false;
      if (!listener.trusted_proxies.blocks.empty()) return false;
      return !IsNear(where->ToString());
    };
    const auto leads_to = [&](const config::Listener& listener) {
      return std::ranges::any_of(config_.routes, [&](const config::Route& route) {
        const auto& only = route.match.listeners;
        return Uses(route, one.name) &&
               (only.empty() || std::ranges::find(only, listener.identity()) != only.end());
      });
    };
    for (const config::Listener& listener : config_.listeners) {
      if (!is_clear(listener) || !leads_to(listener)) continue;
      return AddAt(one, nullptr, "",
                   fmt::format("passwords come to {} without encryption; give the listener tls, or "
                               "name the proxy that has it in trusted_proxies",
                               listener.address.ToString()));
    }
  }

  void CheckMode(const Authenticator& one, std::string_view name, const Value& file) {
    const auto path = std::filesystem::path(config_.folder) / file.scalar;
    if (auto warning = config::ExposedFile({path.string(), file.mark, ""}))
      AddAt(one, &file, name, std::move(warning->message));
  }

  void Check(const config::Route& route) {
    CheckVariables(route);
    CheckRequestRate(route);
    if (!route.auth) return;
    if (route.auth->expired_code == 1000) {
      AddAt(route, "auth.expired_code",
            "1000 tells clients that the session ended as planned, and most then do not connect "
            "again; use a code of 3000 to 4999");
    }
    CheckSubprotocols(route);
    for (const NeverAsked& one : NeverAskedOf(config_, *route.auth)) {
      if (one.takes_all) {
        AddAt(route, "auth",
              fmt::format("'{}' is never asked: '{}' decides about every request; put that last",
                          one.name, one.first));
      } else {
        AddAt(route, "auth",
              fmt::format("'{}' is never asked: '{}' takes what is in {}, whether it is good or "
                          "not; give one of them another place with from",
                          one.name, one.first, one.place));
      }
    }
  }

  // Where the server chooses, that is its affair.
  void CheckSubprotocols(const config::Route& route) {
    const config::Backend* backend = config_.BackendOf(route);
    const bool chooses = backend == nullptr || backend->relay == config::Relay::kBytes;
    if (!chooses || !route.subprotocols.empty()) return;
    for (const std::string& name : route.auth->use) {
      const auto one = config_.auth.find(name);
      if (one == config_.auth.end() || !LooksInSubprotocols(one->second)) continue;
      return AddAt(route, "subprotocols",
                   fmt::format("'{}' takes tokens out of the offered subprotocols, but the route "
                               "has none to choose of the others, and a browser closes a socket "
                               "without a choice; set subprotocols",
                               name));
    }
  }

  void CheckVariables(const config::Route& route) {
    using Variable = config::Template::Variable;
    for (const config::NamedTemplate* field : FieldsOf(route)) {
      for (const config::Template::Part& part : field->value.parts) {
        const bool is_claim = part.variable == Variable::kClaim;
        if (part.variable != Variable::kUser && !is_claim) continue;
        const std::string shown = is_claim ? "{claim." + part.text + "}" : "{user}";
        if (!route.auth) {
          AddAt(route, field->name,
                fmt::format("{} is always empty: the route has no auth; add it", shown));
        } else if (is_claim && !KnowsClaims(*route.auth)) {
          AddAt(route, field->name,
                fmt::format("{} is always empty: authenticators of the kinds basic and token know "
                            "only {{user}}; use that, or a jwt",
                            shown));
        }
      }
    }
  }

  static std::vector<const config::NamedTemplate*> FieldsOf(const config::Route& route) {
    std::vector<const config::NamedTemplate*> fields;
    const config::Rewriting& rewriting = route.rewriting;
    for (const auto* list :
         {&rewriting.request_headers.set, &rewriting.request_headers.add,
          &rewriting.response_headers.set, &rewriting.response_headers.add, &rewriting.query.set}) {
      for (const config::NamedTemplate& field : *list) fields.push_back(&field);
    }
    return fields;
  }

  bool KnowsClaims(const config::RouteAuth& auth) const {
    return std::ranges::any_of(auth.use, [&](const std::string& name) {
      const auto one = config_.auth.find(name);
      return one == config_.auth.end() ||
             (one->second.kind != "basic" && one->second.kind != "token");
    });
  }

  void CheckRequestRate(const config::Route& route) {
    const config::Backend* backend = config_.BackendOf(route);
    if (!route.limits.requests || backend == nullptr || backend->relay != config::Relay::kBytes)
      return;
    AddAt(route, "limits.requests",
          "counts no WebSocket handshakes, and other requests never reach a TCP server; use "
          "handshakes");
  }

  const config::Config& config_;
  std::vector<ConfigError> found_;
};

}  // namespace

std::vector<ConfigError> AuthWarnings(const config::Config& config) {
  return Warnings(config).Find();
}

}  // namespace upgate::route
