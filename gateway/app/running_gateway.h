#pragma once

#include "gateway/base/address.h"

namespace upgate::app {

// True if another process of this program listens at the address, so that an address in use is no
// error in the configuration. Searches /proc; false if that is not conclusive, as for processes of
// other users. Compares ports only, not hosts. For `upgate check`.
bool RunningGatewayListensAt(const SocketAddress& address);

}  // namespace upgate::app
