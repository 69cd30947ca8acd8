#include "plugins/jwt/token.h"

#include <optional>
#include <utility>

#include "gateway/base/base64.h"
#include "gateway/base/text.h"

namespace upgate::plugins {
namespace {

constexpr std::size_t kLongestKeyId = 256;
constexpr std::size_t kDeepest = 16;        // more than any token needs
constexpr std::size_t kMostFields = 64;     // of a header
constexpr std::size_t kMostMembers = 1024;  // of an object in the claims

std::unexpected<TokenFault> Malformed(std::string why) {
  return std::unexpected(TokenFault{plugin::AuthReason::kMalformed, std::move(why)});
}

std::optional<JsonText> ReadObject(std::string_view text, std::size_t most_members) {
  auto read = JsonText::Read(text, {.depth = kDeepest, .members = most_members});
  if (read && !read->root().is_object()) read.reset();
  return read;
}

// Extensions change what a header means (RFC 7515, section 4.1.11; RFC 7797): there are none here.
std::expected<JwtParts, TokenFault> ReadHeader(JsonValue header) {
  JwtParts parts{};
  const auto algorithm = header.Find("alg");
  if (!algorithm || !algorithm->is_string()) return Malformed("the token's header has no alg");
  if (header.Find("crit") || header.Find("b64"))
    return Malformed("the token's header has an extension");
  const std::string_view name = algorithm->text();
  const auto found = tls::FindAlgorithm(name);
  if (EqualsIgnoreCase(name, "none"))
    return std::unexpected(
        TokenFault{plugin::AuthReason::kWrong, "the token's alg is none, which is never allowed"});
  if (!found)
    return std::unexpected(
        TokenFault{plugin::AuthReason::kWrong, "the token's alg is not one that is known"});
  parts.algorithm = *found;
  if (const auto id = header.Find("kid")) {
    if (!id->is_string() || id->text().size() > kLongestKeyId)
      return Malformed("the token's kid is not a short text");
    parts.key_id = id->text();
  }
  return parts;
}

}  // namespace

std::expected<JwtParts, TokenFault> JwtParts::Read(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = token.rfind('.');
  if (first == second || token.find('.', first + 1) != second)
    return Malformed("the token has not three parts");
  const auto header = Base64UrlDecode(token.substr(0, first));
  auto payload = Base64UrlDecode(token.substr(first + 1, second - first - 1));
  const auto signature = Base64UrlDecode(token.substr(second + 1));
  if (!header || !payload || !signature) return Malformed("the token is not base64url");
  const auto fields = ReadObject(*header, kMostFields);
  if (!fields) return Malformed("the token's header is not a JSON object");
  auto parts = ReadHeader(fields->root());
  if (!parts) return parts;
  if (signature->empty()) return Malformed("the token has no signature");
  parts->payload = std::move(*payload);
  return parts;
}

std::expected<JsonText, TokenFault> JwtParts::Claims() const {
  auto claims = ReadObject(payload, kMostMembers);
  if (!claims) return Malformed("the token's claims are not a JSON object");
  return std::move(*claims);
}

}  // namespace upgate::plugins
