#include "plugins/jwt/token.h"

#include <algorithm>
#include <utility>

#include "gateway/base/base64.h"
#include "gateway/base/text.h"
#include "plugins/jwt/json.h"

namespace upgate::plugins {
namespace {

constexpr std::size_t kLongestKeyId = 256;
constexpr std::size_t kMostFields = 64;  // of a header

std::unexpected<TokenFault> Malformed(std::string why) {
  return std::unexpected(TokenFault{plugin::AuthReason::kMalformed, std::move(why)});
}

// Extensions change what a header means (RFC 7515, section 4.1.11; RFC 7797): there are none here.
std::expected<JwtParts, TokenFault> ReadHeader(const Json& header) {
  JwtParts parts{};
  const auto algorithm = header.find("alg");
  if (algorithm == header.end() || !algorithm->is_string())
    return Malformed("the token's header has no alg");
  if (header.contains("crit") || header.contains("b64"))
    return Malformed("the token's header has an extension");
  const auto& name = algorithm->get_ref<const std::string&>();
  const auto found = tls::FindAlgorithm(name);
  if (EqualsIgnoreCase(name, "none"))
    return std::unexpected(
        TokenFault{plugin::AuthReason::kWrong, "the token's alg is none, which is never allowed"});
  if (!found)
    return std::unexpected(
        TokenFault{plugin::AuthReason::kWrong, "the token's alg is not one that is known"});
  parts.algorithm = *found;
  if (const auto id = header.find("kid"); id != header.end()) {
    if (!id->is_string() || id->get_ref<const std::string&>().size() > kLongestKeyId)
      return Malformed("the token's kid is not a short text");
    parts.key_id = id->get<std::string>();
  }
  return parts;
}

}  // namespace

std::expected<JwtParts, TokenFault> JwtParts::Read(std::string_view token) {
  if (std::ranges::count(token, '.') != 2) return Malformed("the token has not three parts");
  const std::size_t first = token.find('.');
  const std::size_t second = token.rfind('.');
  const auto header = Base64UrlDecode(token.substr(0, first));
  auto payload = Base64UrlDecode(token.substr(first + 1, second - first - 1));
  const auto signature = Base64UrlDecode(token.substr(second + 1));
  if (!header || !payload || !signature) return Malformed("the token is not base64url");
  const auto fields = ReadObject(*header, kMostFields);
  if (!fields) return Malformed("the token's header is not a JSON object");
  auto parts = ReadHeader(*fields);
  if (!parts) return parts;
  if (signature->empty()) return Malformed("the token has no signature");
  parts->payload = std::move(*payload);
  return parts;
}

std::expected<Json, TokenFault> JwtParts::Claims() const {
  auto claims = ReadObject(payload);
  if (!claims) return Malformed("the token's claims are not a JSON object");
  return std::move(*claims);
}

}  // namespace upgate::plugins
