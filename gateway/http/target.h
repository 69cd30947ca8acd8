#pragma once

#include <expected>
#include <string_view>

#include "gateway/http/message.h"
#include "gateway/http/refusal.h"

namespace upgate::http {

// Parses a request target (RFC 9112, section 3.2): origin-form, absolute-form with ws, wss, http or
// https, and "*" for OPTIONS. Does not look at Host, so host, port and authority are set for
// absolute-form only.
std::expected<Target, Refusal> ParseTarget(std::string_view method, std::string_view text);

// Sets host, port and authority from the Host header (RFC 9112, section 3.2; RFC 9110, section
// 7.2). HTTP/1.1 requires exactly one valid Host. For an absolute-form target they keep the
// target's values.
std::expected<void, Refusal> ApplyHost(Target& target, const Headers& headers, Version version);

}  // namespace upgate::http
