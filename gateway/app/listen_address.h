#pragma once

#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/config/config.h"

namespace upgate::app {

// The addresses of a configured one: itself, or everything that its name resolves to. Blocks: not
// for a loop.
Result<std::vector<SocketAddress>> ResolveListenAddress(const config::ListenAddress& address);

}  // namespace upgate::app
