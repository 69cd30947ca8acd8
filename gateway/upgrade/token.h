#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/config/config.h"
#include "gateway/http/exchange.h"
#include "gateway/http/message.h"
#include "gateway/route/origin.h"
#include "gateway/session/session.h"

namespace upgate::upgrade {

// The token in a request, percent-decoded where it comes from the query: from the first place of
// the resolver's that has one. Of a path it is what stands behind the prefix of a prefix route, of
// others the whole path without the first slash. nullopt where there is none, or only one that no
// resolver is asked for: too long, or with control characters.
std::optional<std::string> TokenOf(const http::Request& request, const config::Route& route,
                                   const route::SeenAs& seen);

// `target` (path and query) without the query parameters that a resolver looks for tokens in.
std::string WithoutTokens(std::string_view target, const config::Resolver& resolver);

// What the log and the list of sessions say that a request asked for. Where tokens stand in the
// path or the host it is the route's pattern instead.
session::Asked AskedBy(const http::Request& request, const config::Route& route,
                       const route::SeenAs& seen);

// For a request without a route. `routes`: where the readings of an ambiguous path lead, otherwise
// empty; hides the token of each.
session::Asked AskedBy(const http::Request& request, std::span<const config::Route* const> routes,
                       const route::SeenAs& seen);

// The same for the access line of the request. The routes live until that is written.
void HideTokens(std::span<const config::Route* const> routes, http::Exchange& exchange);

// The client's address, without a port; empty where it has none.
std::string PeerAddressOf(const http::Exchange& exchange, const route::SeenAs& seen);

// For the log: the backend, or the resolver.
std::string BackendNameOf(const config::Route& route);

}  // namespace upgate::upgrade
