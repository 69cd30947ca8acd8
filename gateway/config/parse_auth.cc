#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

constexpr std::string_view kOneKind =
    "needs exactly one kind of authenticator, such as jwt: { keys: jwks.json, algorithms: [ RS256 "
    "] }";

Authenticator ParseAuthenticator(const Field::Member& member) {
  Authenticator one{.name = member.name,
                    .kind = {},
                    .options = {},
                    .mark = member.mark,
                    .words = WordsOf(member.field.value())};
  const std::vector<Field::Member> kinds = member.field.Members();
  if (member.field.value().kind != Value::Kind::kMap) return one;
  if (kinds.size() != 1) {
    std::vector<std::string_view> names;
    for (const Field::Member& kind : kinds) names.push_back(kind.name);
    member.field.Error(
        (kinds.empty() ? "" : fmt::format("has {}, but ", Excerpt(Join(names, " and ")))) +
        std::string(kOneKind));
    return one;
  }
  one.kind = kinds.front().name;
  one.mark = kinds.front().mark;
  one.options = kinds.front().field.value();
  return one;
}

void RejectUnknownName(const Field& field, const std::string& name,
                       const std::map<std::string, Authenticator>& known) {
  if (known.contains(name)) return;
  std::vector<std::string_view> names;
  for (const auto& one : known) names.push_back(one.first);
  const std::string_view near = NearestOf(name, names);
  field.Refuse({"is not an authenticator in this file",
                near.empty() ? "add it to auth" : fmt::format("did you mean '{}'?", near)},
               "");
}

std::vector<std::string> ParseNames(const Field& field,
                                    const std::map<std::string, Authenticator>& known) {
  std::vector<std::string> names;
  const bool single = field.value().kind == Value::Kind::kScalar;
  for (const Field& item : single ? std::vector{field} : field.RequiredItems("one authenticator")) {
    auto name = item.Maybe<std::string>();
    if (!name) continue;
    RejectUnknownName(item, *name, known);
    if (std::ranges::find(names, *name) != names.end()) item.Refuse({"is listed twice"}, "");
    names.push_back(std::move(*name));
  }
  return names;
}

}  // namespace

bool IsCloseCode(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1013) || code >= 3000;
}

std::map<std::string, Authenticator> ParseAuth(const Field& field) {
  std::map<std::string, Authenticator> auth;
  if (!field.present()) return auth;
  for (const Field::Member& member : field.Members())
    auth.emplace(member.name, ParseAuthenticator(member));
  return auth;
}

void RejectUselessCertificates(const Field& field,
                               const std::map<std::string, Authenticator>& known,
                               const std::vector<Listener>& listeners) {
  const auto asks = [](const Listener& listener) {
    return listener.tls && listener.tls->client_auth != ClientAuth::kNone;
  };
  if (std::ranges::any_of(listeners, asks)) return;
  for (const Field::Member& member : field.Members()) {
    const auto one = known.find(member.name);
    if (one != known.end() && one->second.kind == "client_certificate")
      member.field.Error(
          "no client can have a certificate: give a listener tls with client_auth: optional or "
          "required, and client_ca");
  }
}

std::optional<RouteAuth> ParseRouteAuth(Field field,
                                        const std::map<std::string, Authenticator>& known) {
  if (!field.present()) return {};
  RouteAuth auth;
  if (field.value().kind != Value::Kind::kMap) {
    auth.use = ParseNames(field, known);
    return auth;
  }
  const Field use = field["use"];
  if (!use.present()) use.Error("missing; name an authenticator: use: [ staff ]");
  if (use.present()) auth.use = ParseNames(use, known);
  auth.optional = field["optional"].Optional(auth.optional);
  const Field code = field["expired_code"];
  auth.expired_code = code.Optional(auth.expired_code, {1000, 4999});
  if (code.sound() && !IsCloseCode(auth.expired_code))
    code.Refuse({"cannot be sent", "use 3000 to 4999"}, "");
  field.RejectUnknownKeys();
  return auth;
}

}  // namespace upgate::config
