#pragma once

#include <string>
#include <string_view>

#include "gateway/config/config.h"
#include "gateway/http/client_connection.h"
#include "gateway/http/message.h"
#include "gateway/io/network.h"
#include "gateway/ws/handshake.h"

namespace upgate::backend {

// The value of Host for a server: its host, with the port unless it is the default port of the
// scheme; "localhost" for a unix socket.
std::string AuthorityOf(const config::Server& server);

// The parts of a request that is not made for a client: of a health check or a command.
struct OwnRequest {
  std::string_view authority;  // for Host
  std::string_view target;
  std::string_view user_agent;   // empty: none
  const http::Headers& headers;  // in addition; Host and User-Agent replace those above
};

http::OutgoingRequest MakeGet(const OwnRequest& request);
// An opening handshake (RFC 6455, section 4.1) that offers the subprotocols of `offer`. Sets its
// key to the one that is sent.
http::OutgoingRequest MakeHandshake(const OwnRequest& request, ws::Offer& offer,
                                    io::Entropy& entropy);

}  // namespace upgate::backend
