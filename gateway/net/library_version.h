#pragma once

#include <string>

namespace upgate::net {

// Version of libuv, such as "1.2.3".
std::string LibraryVersion();

}  // namespace upgate::net
