#pragma once

#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/config/config.h"

namespace upgate::app {

// Every address that a configured one stands for: itself, or all that its name resolves to. Blocks;
// for the start only.
Result<std::vector<SocketAddress>> ResolveListenAddress(const config::ListenAddress& address);

}  // namespace upgate::app
