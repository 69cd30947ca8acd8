#pragma once

#include <string>

namespace upgate::net {

// Of libuv, "1.2.3".
std::string LibraryVersion();

}  // namespace upgate::net
