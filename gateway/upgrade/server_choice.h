#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/backend/balancer.h"
#include "gateway/http/message.h"
#include "gateway/route/origin.h"

namespace upgate::upgrade {

// What a request says about the server it wants: the key that the backend hashes by, and where its
// cookie leads.
backend::Wish WishOf(const backend::BackendRecord& backend, const http::Request& request,
                     const route::SeenAs& seen);

// The Set-Cookie that leads a client to this server from now on; nothing where it does so already,
// or the backend is not sticky. `secure`: the client uses TLS.
std::optional<std::string> StickyCookie(const backend::BackendRecord& backend, std::size_t server,
                                        const backend::Wish& wish, bool secure);

}  // namespace upgate::upgrade
