#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/http/message.h"
#include "gateway/io/timers.h"
#include "gateway/upgrade/session_query.h"

namespace upgate::admin {

// Why a request to the admin address is refused: the status, and a message that says what would be
// valid.
struct Problem {
  int status = 400;
  std::string message;
};
template <class T>
using Read = std::expected<T, Problem>;

// {"error": "..."} with a newline, as application/json.
http::Response ErrorResponse(const Problem& problem);

// The parameters of a request's query string, by name.
using Parameters = std::map<std::string, std::string, std::less<>>;

// Errors: a name that is not in `known`, a repeated name, a parameter without a value.
Read<Parameters> ReadParameters(const http::Request& request,
                                std::span<const std::string_view> known);

// Parameters of several requests; those that are missing have their defaults.
Read<upgrade::SessionFilter> ReadFilter(const Parameters& parameters);
Read<upgrade::SessionQuery> ReadQuery(const Parameters& parameters);
// The code and reason of a Close.
struct CloseWords {
  std::uint16_t code = 0;
  std::string reason;
};
Read<CloseWords> ReadClose(const Parameters& parameters);
// 0 to 24 hours; nullopt if the parameter is missing.
Read<std::optional<io::Millis>> ReadSpread(const Parameters& parameters);
// ReadParameters, then `read`.
template <class T>
Read<T> ReadRequest(const http::Request& request, std::span<const std::string_view> known,
                    Read<T> (*read)(const Parameters&)) {
  const auto parameters = ReadParameters(request, known);
  if (!parameters) return std::unexpected(parameters.error());
  return read(*parameters);
}
// The ID of "/sessions/ID".
Read<std::uint64_t> ReadId(std::string_view text);

// Encodes a position as the opaque `after` parameter of the next page.
std::string WriteCursor(upgrade::SessionOrder order, const upgrade::SessionRank& rank);

}  // namespace upgate::admin
