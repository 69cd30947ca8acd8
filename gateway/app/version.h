#pragma once

#include <string>
#include <utility>
#include <vector>

namespace upgate::app {

// Of this program, "0.1.0".
std::string VersionNumber();

// The libraries that it runs on, and their versions as found at run time where they tell.
std::vector<std::pair<std::string, std::string>> LibraryVersions();

}  // namespace upgate::app
