#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"

namespace upgate::app {

// Formats responses of the admin address for a terminal. No I/O. Throws Json::exception
// if a response does not have the expected form. Control characters in clients' text are escaped.

// Aligns columns, two spaces apart; the first row is the heading.
std::string Table(const std::vector<std::vector<std::string>>& rows);
// "7s", "3m05s", "2h07m", "4d03h".
std::string ShortTime(double seconds);
// "512 B", "1.5 KiB", "2.0 GiB".
std::string ShortBytes(std::uint64_t bytes);

std::string SessionsText(const Json& answer);
std::string DrainText(const Json& answer);
std::string ReloadText(const Json& answer);
std::string StatusText(const Json& stats);
// "FILE:LINE:COLUMN: key: message" for each error of a reload; empty when it is no such answer.
std::string ReloadErrors(std::string_view body);

}  // namespace upgate::app
