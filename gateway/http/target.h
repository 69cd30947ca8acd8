#pragma once

#include <expected>
#include <string_view>

#include "gateway/http/message.h"
#include "gateway/http/refusal.h"

namespace upgate::http {

// Takes a request target apart (RFC 9112, section 3.2): origin-form, absolute-form with ws, wss,
// http or https, and "*" for OPTIONS. Host is not looked at yet, so host, port and authority are
// set for an absolute-form only.
std::expected<Target, Refusal> ParseTarget(std::string_view method, std::string_view text);

// Fills in host, port and authority from the Host header (RFC 9112, section 3.2; RFC 9110,
// section 7.2), which must be there once on HTTP/1.1, and sound. Of an absolute-form target they
// stay what the target says.
std::expected<void, Refusal> ApplyHost(Target& target, const Headers& headers, Version version);

}  // namespace upgate::http
