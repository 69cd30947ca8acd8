#include "plugins/jwt/key_set.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/base/json_text.h"
#include "gateway/plugin/credentials.h"
#include "plugins/watched/files.h"

namespace upgate::plugins {
namespace {

constexpr std::string_view kNoSet =
    "is not a JWK set, a JSON object with keys, nor a public key in PEM";

// Empty where there is no such member, or it is no string.
std::string Text(JsonValue key, std::string_view name) {
  const auto found = key.Find(name);
  return found && found->is_string() ? std::string(found->text()) : std::string();
}

// RFC 7517, sections 4.2 and 4.3.
bool IsForVerifying(JsonValue key) {
  const std::string use = Text(key, "use");
  if (!use.empty() && use != "sig") return false;
  const auto operations = key.Find("key_ops");
  if (!operations || !operations->is_array()) return true;
  for (const JsonValue operation : *operations) {
    if (operation.is_string() && operation.text() == "verify") return true;
  }
  return false;
}

tls::JwkParts PartsOf(JsonValue key) {
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
  const auto document = JsonText::Read(json, {.depth = kDepth});
  const auto keys = document ? document->root().Find("keys") : std::nullopt;
  if (!keys || !keys->is_array()) return std::unexpected(std::string(kNoSet));
  KeySet set;
  std::string fault;
  std::size_t count = 0;
  for (const JsonValue one : *keys) {
    if (++count > kMostKeys)
      return std::unexpected(fmt::format("has more than {} keys", kMostKeys));
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
