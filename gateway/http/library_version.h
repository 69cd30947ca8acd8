#pragma once

#include <string>

namespace upgate::http {

// Of llhttp, "1.2.3".
std::string LibraryVersion();

}  // namespace upgate::http
