#include "gateway/net/library_version.h"

#include <ares.h>

#include <uv.h>

namespace upgate::net {

std::string LibraryVersion() {
  return uv_version_string();
}

std::string DnsLibraryVersion() {
  return ares_version(nullptr);
}

}  // namespace upgate::net
