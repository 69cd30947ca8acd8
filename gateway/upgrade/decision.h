#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/http/message.h"
#include "gateway/plugin/service.h"
#include "gateway/route/origin.h"
#include "gateway/route/router.h"
#include "gateway/stats/stats.h"
#include "gateway/ws/deflate_parameters.h"
#include "gateway/ws/handshake.h"

namespace upgate::upgrade {

// What is behind a route, as far as its policies depend on it.
struct Behind {
  bool serves_http = false;
  bool serves_websocket = false;
  bool carries_bytes = false;  // a tcp, tls or unix server; messages are translated by an encoding
  // The gateway is the client's WebSocket endpoint; otherwise a server behind it is.
  bool ends_websocket = false;
};
// `service` is the route's service, nullptr for a route to a backend. `relay` is what the servers
// of that backend speak.
Behind BehindRoute(const config::Route& route, const plugin::Service* service, config::Relay relay);

// The gateway responds itself: to a preflight, or to a request that a policy refuses.
struct Answered {
  http::Response response;
  std::optional<stats::HandshakeOutcome> outcome;  // of a refused handshake
};

// A WebSocket handshake that passed every policy.
struct Accepted {
  ws::Offer offer;
  std::string subprotocol;  // chosen here, unless a server behind the route chooses
  config::Encoding encoding = config::Encoding::kBinary;
  std::optional<ws::DeflateAgreement> compression;
};

// An ordinary HTTP request, to be passed to the route's target.
struct Ordinary {};

struct Decision {
  route::OriginVerdict verdict;
  http::Headers fields;  // for every response except a 101 and a response to a preflight
  std::variant<Answered, Accepted, Ordinary> what;

  // True if WebSocket rules applied to the request; otherwise its Upgrade field is ignored.
  bool for_websocket() const {
    const auto* answered = std::get_if<Answered>(&what);
    return std::holds_alternative<Accepted>(what) || (answered != nullptr && answered->outcome);
  }
  // True if the answer needs no credential: to a preflight, to a page of another origin, to a
  // malformed handshake. That a route serves WebSocket only (426) is for those who may use it.
  bool is_for_anybody() const;
};

// Applies the policies of a route, and of the listener that the request came by, before the route's
// target is involved: preflights, origin, handshake, subprotocols, encoding, compression. A pure
// function: session limits and shutdown are checked by the caller.
Decision Decide(const http::Request& request, const config::Listener& listener,
                const config::Route& route, const Behind& behind, const route::SeenAs& seen);

// The index of the part of `split` that a client belongs to (SeenAs::client): by its address alone,
// the same everywhere and at any time as long as the weights are.
std::size_t ShareOf(std::string_view client, const std::vector<config::Share>& split);

// The protocol other than WebSocket that a request may switch to: the first that it asks for and
// the route allows, in lower case; empty if there is none.
std::string_view OtherUpgrade(const http::Request& request, const config::Route& route);

// The answer to a request without a route: 400 if its path is ambiguous, 405 with Allow if there is
// a route for it with another method, else 404.
http::Response AnswerUnrouted(const route::Router& router, const route::Facts& facts,
                              bool ambiguous);

}  // namespace upgate::upgrade
