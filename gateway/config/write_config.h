#pragma once

#include <string>

#include "gateway/config/config.h"

namespace upgate::config {

// The whole configuration as a file that Parse reads as the same, with the defaults of all keys
// that take effect. Environment variables are replaced by their values, except in the options of
// plugins. What may be a secret there is "***" instead: the values of keys that are named like one
// (password, token, …), and the user information of URLs.
std::string WriteConfig(const Config& config);

}  // namespace upgate::config
