#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"

namespace upgate::route {

// The value of an option; nullptr if it is not there.
const config::Value* OptionOf(const config::Authenticator& one, std::string_view name);

// Whether tokens may stand in Sec-WebSocket-Protocol.
bool LooksInSubprotocols(const config::Authenticator& one);

// An authenticator of a route that no request ever comes to.
struct NeverAsked {
  std::string name;
  std::string first;       // the one that decides before it
  bool takes_all = false;  // that one decides about every request
  std::string place = {};  // where both look: "header", "cookie:token"
};

// Of those that a route uses, in their order. Only the kinds that come with the gateway are known.
std::vector<NeverAsked> NeverAskedOf(const config::Config& config, const config::RouteAuth& auth);

}  // namespace upgate::route
