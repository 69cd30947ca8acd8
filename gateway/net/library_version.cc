#include "gateway/net/library_version.h"

#include <uv.h>

namespace upgate::net {

std::string LibraryVersion() {
  return uv_version_string();
}

}  // namespace upgate::net
