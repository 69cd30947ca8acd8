#pragma once

#include <string>
#include <utility>
#include <vector>

namespace upgate::app {

// The version of this program, such as "0.1.0".
std::string VersionNumber();

// The libraries in use with their versions, as found at run time where possible.
std::vector<std::pair<std::string, std::string>> LibraryVersions();

}  // namespace upgate::app
