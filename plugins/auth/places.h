#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/field.h"
#include "gateway/plugin/credentials.h"

namespace upgate::plugins {

// Where in a request a token may stand: the option `from`.
class TokenPlaces {
 public:
  // Reads a list of "header" (Authorization: Bearer), "cookie:NAME", "query:NAME" and
  // "subprotocol:PREFIX"; by default [ header ].
  static TokenPlaces Parse(const config::Field& from);

  // The first that is there, as it is; of the query percent-decoded.
  std::optional<std::string> Find(const http::Request& request) const;
  // Takes the parameters out of the query and the tokens out of the offered subprotocols.
  void Remove(http::Request& request) const;
  // As written: "header, query:token".
  std::string Describe() const;

 private:
  struct Place {
    enum class Kind : std::uint8_t { kHeader, kCookie, kQuery, kSubprotocol };
    Kind kind = Kind::kHeader;
    std::string name;  // of the cookie or the parameter, or the prefix
  };
  static std::optional<Place> ParsePlace(std::string_view text);
  static std::optional<std::string> FindAt(const Place& place, const http::Request& request);

  std::vector<Place> places_;
  std::string written_;
};

// What stands behind the scheme in an Authorization field (RFC 9110, section 11.6.2); nullopt if
// there is none of this scheme. A field that is repeated has the value "".
std::optional<std::string_view> AuthorizationOf(const http::Headers& headers,
                                                std::string_view scheme);

// True if a name can stand for a user in logs and header fields as it is: of at most 256 bytes,
// without control characters. Any other would have to be changed, perhaps to the name of somebody
// else, so whoever has it is refused.
bool IsUserName(std::string_view name);

}  // namespace upgate::plugins
