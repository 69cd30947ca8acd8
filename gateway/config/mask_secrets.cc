#include "gateway/config/mask_secrets.h"

#include <algorithm>

#include "gateway/base/text.h"

namespace upgate::config {
namespace {

constexpr std::string_view kMask = "***";

}  // namespace

bool IsSecretName(std::string_view name) {
  std::string words;  // without separators, so that api_key, api-key and apiKey are the same
  for (const char c : name) {
    if (IsAlpha(c) || IsDigit(c)) words += ToLower(c);
  }
  constexpr std::string_view kParts[] = {"password", "passwd",     "passphrase",   "secret",
                                         "token",    "credential", "authorization"};
  return words.ends_with("key") || words.ends_with("keys") || words == "auth" || words == "pass" ||
         std::ranges::any_of(kParts, [&](auto part) { return words.contains(part); });
}

std::string WithoutUserInfo(std::string_view text) {
  std::string out;
  for (std::size_t scheme = 0; (scheme = text.find("//")) != std::string_view::npos;) {
    out += text.substr(0, scheme + 2);
    text.remove_prefix(scheme + 2);
    const std::string_view authority = text.substr(0, text.find_first_of("/?# \t\r\n"));
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
      out += kMask;
      text.remove_prefix(at);
    }
  }
  out += text;
  return out;
}

Value Masked(Value value, bool is_secret) {
  for (Value& item : value.items) item = Masked(std::move(item), is_secret);
  for (Value::Member& member : value.members) {
    const bool secret = is_secret || IsSecretName(member.key.scalar);
    member.value = Masked(std::move(member.value), secret);
  }
  if (value.kind != Value::Kind::kScalar) return value;
  if (is_secret) {
    value.scalar = kMask;
    value.written.clear();
    value.quoted = true;
  } else {
    value.scalar = WithoutUserInfo(value.scalar);
    value.written = WithoutUserInfo(value.written);
  }
  return value;
}

}  // namespace upgate::config
