#pragma once

#include "gateway/base/address.h"
#include "gateway/config/config.h"
#include "gateway/route/origin.h"

namespace upgate::upgrade {

// Whether a route's `access` lets this client in: by its address as seen through trusted proxies. A
// client whose address a proxy hides is in no block. `peer`: the other end of the connection.
bool MayAccess(const config::Access& access, const route::SeenAs& seen, const SocketAddress& peer);

}  // namespace upgate::upgrade
