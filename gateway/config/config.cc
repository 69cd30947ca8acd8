#include "gateway/config/config.h"

#include "gateway/base/match.h"

namespace upgate::config {

std::string ListenAddress::ToString() const {
  return std::visit(Match{[](const HostPort& address) { return address.ToString(); },
                          [](const UnixPath& address) { return "unix:" + address.path; }},
                    where);
}

}  // namespace upgate::config
