#pragma once

#include <string>
#include <string_view>

#include "gateway/config/config.h"
#include "gateway/http/message.h"
#include "gateway/io/network.h"

namespace upgate::upgrade {

// The ids by which a request is found again in logs: X-Request-ID, and the trace of W3C Trace
// Context (traceparent). Those that a trusted proxy sends are kept if they are valid; what anybody
// else sends under these names is removed, and the gateway makes its own. They stay in the request,
// from which they go on to the server.
void SetIds(http::Request& request, bool by_trusted_proxy, const config::HttpLimits& settings,
            io::Entropy& entropy);

// Removes what SetIds would make, for trailers: they are in the header or nowhere.
void RemoveIds(http::Headers& headers, const config::HttpLimits& settings);

// Empty if there is none.
std::string_view RequestIdOf(const http::Request& request);
// The trace-id of a valid traceparent.
std::string_view TraceIdOf(const http::Request& request);

// 1 to 128 letters, digits and -_.:/+=@
bool IsRequestId(std::string_view text);
// version-traceid-parentid-flags, https://www.w3.org/TR/trace-context-1/#traceparent-header
bool IsTraceparent(std::string_view text);

}  // namespace upgate::upgrade
