#pragma once

#include <memory>

#include "gateway/plugin/auth.h"

namespace upgate::plugins {

// Static bearer tokens from a file with a line "name: token" for each. Options: file, from.
std::unique_ptr<plugin::AuthCheck> MakeTokenAuth(plugin::AuthSetup setup);

}  // namespace upgate::plugins
