#pragma once

#include <string>

namespace upgate::http {

// Version of llhttp, such as "1.2.3".
std::string LibraryVersion();

}  // namespace upgate::http
