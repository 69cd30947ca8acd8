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

// Why a request to the admin address is not done: a status and what would be right.
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

// Every name must be among the known ones, and stand there once, with a value.
Read<Parameters> ReadParameters(const http::Request& request,
                                std::span<const std::string_view> known);

// What several requests take; a parameter that is not there is the default.
Read<upgrade::SessionFilter> ReadFilter(const Parameters& parameters);
Read<upgrade::SessionQuery> ReadQuery(const Parameters& parameters);
// With which code and reason sessions are closed.
struct CloseWords {
  std::uint16_t code = 0;
  std::string reason;
};
Read<CloseWords> ReadClose(const Parameters& parameters);
// 0 to 24 hours; nothing when it is not there.
Read<std::optional<io::Millis>> ReadSpread(const Parameters& parameters);
// Both steps at once.
template <class T>
Read<T> ReadRequest(const http::Request& request, std::span<const std::string_view> known,
                    Read<T> (*read)(const Parameters&)) {
  const auto parameters = ReadParameters(request, known);
  if (!parameters) return std::unexpected(parameters.error());
  return read(*parameters);
}
// The ID of "/sessions/ID".
Read<std::uint64_t> ReadId(std::string_view text);

// The opaque `after` of a page in an order.
std::string WriteCursor(upgrade::SessionOrder order, const upgrade::SessionRank& rank);

}  // namespace upgate::admin
