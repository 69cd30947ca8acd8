#include "plugins/jwt/key_set.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/json.h"
#include "gateway/plugin/credentials.h"
#include "plugins/watched/files.h"

namespace upgate::plugins {
namespace {

constexpr std::string_view kNoSet =
    "is not a JWK set, a JSON object with keys, nor a public key in PEM";

std::string Text(const Json& key, const char* name) {
  const auto found = key.find(name);
  return found != key.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// RFC 7517, sections 4.2 and 4.3.
bool IsForVerifying(const Json& key) {
  const std::string use = Text(key, "use");
  if (!use.empty() && use != "sig") return false;
  const auto operations = key.find("key_ops");
  return operations == key.end() || !operations->is_array() ||
         std::ranges::find(*operations, Json("verify")) != operations->end();
}

tls::JwkParts PartsOf(const Json& key) {
  return {.type = Text(key, "kty"),
          .curve = Text(key, "crv"),
          .x = Text(key, "x"),
          .y = Text(key, "y"),
          .n = Text(key, "n"),
          .e = Text(key, "e")};
}

}  // namespace

std::expected<KeySet, std::string> KeySet::Parse(std::string_view json) {
  constexpr std::size_t kDepth = 16;  // more than any set needs
  const Json document = ParseJson(json, kDepth);
  if (!document.is_object()) return std::unexpected(std::string(kNoSet));
  const auto keys = document.find("keys");
  if (keys == document.end() || !keys->is_array()) return std::unexpected(std::string(kNoSet));
  if (keys->size() > kMostKeys)
    return std::unexpected(fmt::format("has more than {} keys", kMostKeys));
  KeySet set;
  std::string fault;
  for (const Json& one : *keys) {
    if (!one.is_object() || !IsForVerifying(one)) continue;
    auto key = tls::VerifyKey::OfJwk(PartsOf(one));
    if (!key) {
      fault = "; one key " + key.error();
      continue;
    }
    const std::string algorithm = Text(one, "alg");
    const auto known = tls::FindAlgorithm(algorithm);
    if (!algorithm.empty() && !known) continue;
    set.keys_.push_back({Text(one, "kid"), known, std::move(*key)});
  }
  if (set.keys_.empty()) return std::unexpected("has no key that can verify signatures" + fault);
  return set;
}

std::expected<KeySet, std::string> KeySet::ParsePem(std::string_view text) {
  const auto jwks = tls::JwksOfPem(text);
  if (!jwks) return std::unexpected(jwks.error());
  if (jwks->size() > kMostKeys)
    return std::unexpected(fmt::format("has more than {} keys", kMostKeys));
  KeySet set;
  for (const tls::JwkParts& parts : *jwks) {
    auto key = tls::VerifyKey::OfJwk(parts);
    if (!key) return std::unexpected("has a key that " + key.error());
    set.keys_.push_back({{}, {}, std::move(*key)});
  }
  return set;
}

std::expected<KeySet, std::string> KeySet::Read(const std::filesystem::path& file) {
  const auto text = ReadWhole(file, kMostBytes);
  if (!text) return std::unexpected(text.error());
  auto set = text->contains("-----BEGIN ") ? ParsePem(*text) : Parse(*text);
  if (!set) return std::unexpected(fmt::format("{} {}", Shown(file), set.error()));
  return set;
}

KeySet KeySet::OfSecret(std::string_view secret) {
  KeySet set;
  set.keys_.push_back({{}, {}, tls::VerifyKey::OfSecret(secret)});
  return set;
}

KeySet::Verdict KeySet::Verify(std::string_view token, tls::SignatureAlgorithm algorithm,
                               const std::optional<std::string>& key_id) const {
  Verdict verdict = Verdict::kNoKey;
  for (const Entry& entry : keys_) {
    if (!entry.key.Fits(algorithm) || entry.algorithm.value_or(algorithm) != algorithm) continue;
    // A key without an id, as a secret is, may be any.
    if (key_id && !entry.id.empty() && entry.id != *key_id) continue;
    if (entry.key.HasSigned(token, algorithm)) return Verdict::kSigned;
    verdict = Verdict::kNotSigned;
  }
  return verdict;
}

void KeySet::Tell(Log& log, const std::filesystem::path& file) const {
  log.Info("key set read", {{"file", file.string()}, {"keys", size()}});
}

}  // namespace upgate::plugins
