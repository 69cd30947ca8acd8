#pragma once

#include <optional>
#include <string>
#include <variant>

#include "gateway/config/config.h"
#include "gateway/http/message.h"
#include "gateway/plugin/service.h"
#include "gateway/route/origin.h"
#include "gateway/stats/stats.h"
#include "gateway/ws/deflate_parameters.h"
#include "gateway/ws/handshake.h"

namespace upgate::upgrade {

// What is behind a route, as far as its policies depend on it.
struct Behind {
  bool serves_http = false;
  bool serves_websocket = false;
  bool carries_bytes = false;  // a server of bytes, to which an encoding translates
  bool ends_websocket =
      false;  // the gateway is the client's WebSocket end; else a server behind it is
};
// `service` is the route's plugin; nullptr for a route to a backend, whose servers take `relay`.
Behind BehindRoute(const config::Route& route, const plugin::Service* service, config::Relay relay);

// The gateway answers by itself: a preflight, or a request that the policies turn down.
struct Answered {
  http::Response response;
  std::optional<stats::HandshakeOutcome> outcome;  // of a refused handshake
};

// A WebSocket handshake that passed.
struct Accepted {
  ws::Offer offer;
  std::string subprotocol;  // agreed on here; a WebSocket or HTTP server chooses by itself
  config::Encoding encoding = config::Encoding::kBinary;
  std::optional<ws::DeflateAgreement> compression;
};

// An ordinary request, for whatever is behind the route.
struct Ordinary {};

struct Decision {
  route::OriginVerdict verdict;
  http::Headers fields;  // for every answer but a 101 and that to a preflight
  std::variant<Answered, Accepted, Ordinary> what;

  // The request was judged by the rules of WebSocket; else an Upgrade in it means nothing.
  bool for_websocket() const {
    const auto* answered = std::get_if<Answered>(&what);
    return std::holds_alternative<Accepted>(what) || (answered != nullptr && answered->outcome);
  }
};

// Applies the policies of a route, and of the listener that the request came in by, to a request
// that was routed there, before anything behind the route is touched: preflights, the origin, the
// handshake, subprotocols and encoding. Pure: how many sessions there are, and whether the gateway
// is stopping, is for the caller.
Decision Decide(const http::Request& request, const config::Listener& listener,
                const config::Route& route, const Behind& behind, const route::SeenAs& seen);

}  // namespace upgate::upgrade
