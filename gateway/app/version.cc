#include "gateway/app/version.h"

#include "gateway/http/library_version.h"
#include "gateway/net/library_version.h"
#include "gateway/tls/context.h"

namespace upgate::app {

std::string VersionNumber() {
  return UPGATE_VERSION;
}

std::vector<std::pair<std::string, std::string>> LibraryVersions() {
  return {{"libuv", net::LibraryVersion()},
          {"c-ares", net::DnsLibraryVersion()},
          {"openssl", tls::LibraryVersion()},
          {"llhttp", http::LibraryVersion()}};
}

}  // namespace upgate::app
