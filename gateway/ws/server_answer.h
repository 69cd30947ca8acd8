#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/message.h"
#include "gateway/ws/handshake.h"

namespace upgate::ws {

// A server's 101 may name its subprotocol, accept key or extensions twice, or leave such a field
// empty: said twice in the same words it is the same choice, and an empty one is none. Browsers
// take either for a fault, so what goes on is what these return.

// The subprotocol that a server has chosen, or empty. The first, where it names several.
std::string ChosenSubprotocol(const http::Response& answer);
// The extensions that a server has chosen, each once, as a list; empty where there are none.
std::string ChosenExtensions(const http::Response& answer);

// The accept key that a server has sent, or empty. The first, where it sent several.
std::string AcceptKeyOf(const http::Response& answer);

// What a server's 101 says beside the handshake, which the gateway answers for itself; with its
// extensions, unless the gateway has its own with the client.
http::Response WithoutHandshake(const http::Response& answer, bool own_extensions);

// Adds every field of the server's, as often as it came and in its order, to our 101, but those
// that this has already.
void AddFieldsOfServer(const http::Response& server, http::Response& ours);

// What is wrong with a server's 101 to an upgrade that was passed on to it (RFC 6455, section 4.1):
// not WebSocket, another accept key, or a subprotocol or extension that was not offered.
// `extensions`: those that were. Nothing: it is good.
std::optional<std::string> FaultOf(const http::Response& answer, const ws::Offer& offer,
                                   std::string_view extensions);

}  // namespace upgate::ws
