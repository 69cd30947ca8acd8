#include "gateway/upgrade/client_address.h"

namespace upgate::upgrade {

bool MayAccess(const config::Access& access, const route::SeenAs& seen, const SocketAddress& peer) {
  if (const auto ip = route::ClientAddress(seen.client)) return access.Allows(IpPort{*ip, 0});
  return seen.client == ToString(peer) ? access.Allows(peer) : access.allows_unknown();
}

}  // namespace upgate::upgrade
