#include "plugins/jwt/options.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::plugins {
namespace {

using tls::SignatureAlgorithm;

// A text, or a list of texts.
std::vector<std::string> ParseTexts(const config::Field& field) {
  if (field.value().kind != config::Value::Kind::kScalar) {
    const std::vector<std::string> texts = field.List<std::string>();
    if (field.present() && field.sound() && texts.empty()) field.Error("is an empty list");
    return texts;
  }
  auto text = field.Maybe<std::string>();
  if (text && text->empty()) field.Refuse({"is empty"}, "");
  return text ? std::vector{std::move(*text)} : std::vector<std::string>{};
}

std::vector<SignatureAlgorithm> UsualAlgorithms(bool has_secret) {
  std::vector<SignatureAlgorithm> usual;
  if (has_secret) return {SignatureAlgorithm::kHs256};
  for (std::size_t i = 0; i < tls::kSignatureAlgorithms.size(); ++i) {
    const auto algorithm = static_cast<SignatureAlgorithm>(i);
    if (!tls::IsSymmetric(algorithm)) usual.push_back(algorithm);
  }
  return usual;
}

void ParseAlgorithms(const config::Field& field, JwtOptions& options) {
  options.rules.algorithms = UsualAlgorithms(options.has_secret);
  if (!field.present()) return;
  options.rules.algorithms.clear();
  for (const config::Field& item : field.RequiredItems("one algorithm")) {
    const auto name = item.Maybe<std::string>();
    if (!name) continue;
    const auto algorithm = tls::FindAlgorithm(*name);
    if (!algorithm) {
      const std::string_view near = NearestOf(*name, tls::kSignatureAlgorithms);
      item.Refuse({"is not an algorithm for signatures",
                   near.empty() ? fmt::format("there are {}", Join(tls::kSignatureAlgorithms, ", "))
                                : fmt::format("did you mean '{}'?", near)},
                  "");
    } else if (tls::IsSymmetric(*algorithm) != options.has_secret) {
      item.Refuse({options.has_secret ? "needs public keys" : "needs a secret",
                   options.has_secret ? "use keys instead of secret_file"
                                      : "use secret_file instead of keys"},
                  "");
    } else {
      options.rules.algorithms.push_back(*algorithm);
    }
  }
}

void ParseKeys(config::Field& options, JwtOptions& read) {
  const config::Field keys = options["keys"];
  const config::Field secret = options["secret_file"];
  read.has_secret = secret.present();
  if (keys.present() == secret.present()) {
    const config::Field& place = keys.present() ? secret : options;
    place.Error(fmt::format(
        "{}needs either keys, a file or URL with public keys, or secret_file",
        keys.present() ? "there are both keys and secret_file, but a token is signed in one way; "
                       : ""));
    return;
  }
  const config::Field& given = keys.present() ? keys : secret;
  read.keys = given.Required<config::FileName>().path;
}

}  // namespace

JwtOptions ParseJwtOptions(config::Field& options) {
  JwtOptions read;
  ParseKeys(options, read);
  ParseAlgorithms(options["algorithms"], read);
  ClaimRules& claims = read.rules.claims;
  claims.issuers = ParseTexts(options["issuer"]);
  claims.audiences = ParseTexts(options["audience"]);
  claims.leeway =
      options["leeway"].Optional(claims.leeway, {config::Millis{0}, config::Millis{10 * 60'000}});
  read.places = TokenPlaces::Parse(options["from"]);
  for (const config::Field::Member& member : options["require"].Members())
    claims.require.emplace_back(member.name, ParseTexts(member.field));
  const config::Field user = options["user"];
  claims.user = user.Optional(claims.user);
  if (claims.user.empty()) user.Refuse({"is empty"}, "");
  claims.require_exp = options["require_exp"].Optional(claims.require_exp);
  options["tls"];  // of a URL: read by whoever fetches it
  options.RejectUnknownKeys();
  return read;
}

}  // namespace upgate::plugins
