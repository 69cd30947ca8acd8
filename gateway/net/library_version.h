#pragma once

#include <string>

namespace upgate::net {

// Version of libuv, such as "1.2.3".
std::string LibraryVersion();
// The same of c-ares.
std::string DnsLibraryVersion();

}  // namespace upgate::net
