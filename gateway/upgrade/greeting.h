#pragma once

#include <string>
#include <string_view>

#include "gateway/config/config.h"
#include "gateway/http/exchange.h"
#include "gateway/io/network.h"

namespace upgate::upgrade {

struct GreetingToServer {
  std::string header;     // the PROXY header; empty for kOff
  std::string unique_id;  // that it tells; empty if it has none
};

// The PROXY header that tells a server whose connection it gets. `client`: as in route::SeenAs.
// Where trusted proxies name another client than the peer, the header names that one, with port 0.
// `user`: who is authenticated; empty: nobody, or the connection is not for one request only.
GreetingToServer MakeGreeting(config::SendProxy version, const http::Exchange& exchange,
                              std::string_view client, std::string_view user, io::Entropy& entropy);

}  // namespace upgate::upgrade
