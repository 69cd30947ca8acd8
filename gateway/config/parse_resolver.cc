#include <array>
#include <utility>

#include <fmt/format.h>

#include "gateway/config/resolver_keys.h"
#include "gateway/config/sections.h"
#include "gateway/config/target_syntax.h"

namespace upgate::config {
namespace {

constexpr std::array<std::string_view, 6> kKeys{"from",  "allow",       "timeout",
                                                "cache", "strip_query", "target"};

ServerScheme ParseScheme(const Field& field) {
  return field.OneOf<ServerScheme>({{"tcp", ServerScheme::kTcp},
                                    {"tls", ServerScheme::kTls},
                                    {"ws", ServerScheme::kWs},
                                    {"wss", ServerScheme::kWss},
                                    {"http", ServerScheme::kHttp},
                                    {"https", ServerScheme::kHttps}},
                                   Resolver{}.scheme);
}

void ParseTargetSettings(Field field, Resolver& resolver, const std::filesystem::path& folder) {
  resolver.scheme = ParseScheme(field["scheme"]);
  resolver.backend.relay = RelayOf(resolver.scheme);
  ParseServerSettings(field, resolver.backend, folder);
  field.RejectUnknownKeys();
}

TokenPlace UsualPlace(std::string_view resolver) {
  if (resolver == "host_token") return {TokenPlace::Kind::kHost, {}};
  return {TokenPlace::Kind::kQuery, "token"};
}

}  // namespace

void KnowResolverKeys(Field& options) {
  for (const std::string_view key : kKeys) options[key];
}

std::shared_ptr<const Resolver> ParseResolver(const Field& name, Field options,
                                              const std::filesystem::path& folder) {
  auto resolver = std::make_shared<Resolver>();
  resolver->name = name.Required<std::string>();
  resolver->mark = name.mark();
  if (name.sound() && resolver->name.empty()) name.Refuse({"is empty"}, "");
  resolver->backend.name = "resolver:" + resolver->name;
  const Field from = options["from"];
  resolver->from = from.List<TokenPlace>();
  if (!from.present()) resolver->from.push_back(UsualPlace(resolver->name));
  if (from.value().kind == Value::Kind::kSequence && from.value().items.empty())
    from.Error("is an empty list; leave it out for query:token");
  const Field allow = options["allow"];
  if (!allow.present()) {
    allow.Error(
        "missing; list the targets that an answer may lead to, such as allow: [ "
        "\"10.0.0.0/8:5900-5999\" ]");
  } else {
    for (const Field& item : allow.RequiredItems("one target")) {
      if (auto pattern = item.Maybe<TargetPattern>())
        resolver->allow.push_back(std::move(*pattern));
    }
  }
  resolver->timeout = options["timeout"].Optional(resolver->timeout, {Millis{1}, Millis{60'000}});
  resolver->cache = options["cache"].Optional(resolver->cache, {Millis{0}, kHour});
  ParseTargetSettings(options["target"], *resolver, folder);
  const Field remove = options["strip_query"];
  resolver->strip_query = remove.Optional(resolver->strip_query);
  if (remove.present() && remove.sound() && resolver->backend.relay == Relay::kBytes)
    remove.Error("has no effect: servers of bytes get no query; remove it");
  return resolver;
}

}  // namespace upgate::config
