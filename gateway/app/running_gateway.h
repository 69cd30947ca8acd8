#pragma once

#include "gateway/base/address.h"

namespace upgate::app {

// Whether another process of this program listens at the address: then it is not a fault of the
// configuration that it is in use. Looks through /proc; false where that does not tell, above all
// of another user's processes. Only ports are compared, not hosts. For `upgate check`.
bool RunningGatewayListensAt(const SocketAddress& address);

}  // namespace upgate::app
