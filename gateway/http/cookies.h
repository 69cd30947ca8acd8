#pragma once

#include <optional>
#include <string_view>

#include "gateway/http/message.h"

namespace upgate::http {

// Cookies of requests (RFC 6265, section 5.4).

// The value of the first cookie of that name, a view of the field; nullopt if there is none.
std::optional<std::string_view> CookieValue(const Headers& headers, std::string_view name);

// Removes every cookie of that name, and fields that are empty then.
void RemoveCookie(Headers& headers, std::string_view name);

}  // namespace upgate::http
