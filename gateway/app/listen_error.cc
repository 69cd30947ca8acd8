#include "gateway/app/listen_error.h"

#include <string>
#include <utility>

namespace upgate::app {

config::ConfigError ListenError(const config::ListenAddress& address, const Error& error) {
  std::string message = "cannot listen: " + error.message;
  if (error.code == Errc::kAddressInUse)
    message += "; stop the program that has it or choose another address";
  if (error.code == Errc::kPermission) message += "; ports below 1024 need CAP_NET_BIND_SERVICE";
  return {address.mark, address.key, std::move(message)};
}

}  // namespace upgate::app
