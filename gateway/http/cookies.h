#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/http/message.h"

namespace upgate::http {

// Cookies of requests (RFC 6265, section 5.4). Views last until the headers change. No state.

// The value of the first cookie of that name, a view of the field; nullopt if there is none.
std::optional<std::string_view> CookieValue(const Headers& headers, std::string_view name);

// Those of all cookies of that name, `most` at most, in their order. A browser sends several if
// they were set for different paths or domains.
std::vector<std::string_view> CookieValues(const Headers& headers, std::string_view name,
                                           std::size_t most);

// Removes every cookie of that name, and fields that are empty then.
void RemoveCookie(Headers& headers, std::string_view name);

}  // namespace upgate::http
