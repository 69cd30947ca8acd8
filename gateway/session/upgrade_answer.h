#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/message.h"
#include "gateway/ws/handshake.h"

namespace upgate::session {

// What is wrong with a server's 101 to an upgrade that was passed on to it (RFC 6455, section 4.1):
// not WebSocket, another accept key, or a subprotocol or extension that was not offered.
// `extensions`: those that were. Nothing: it is good.
std::optional<std::string> FaultOf(const http::Response& answer, const ws::Offer& offer,
                                   std::string_view extensions);

}  // namespace upgate::session
