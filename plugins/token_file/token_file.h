#pragma once

#include <memory>

#include "gateway/plugin/resolver.h"

namespace upgate::plugins {

// Finds the targets of tokens in a file or folder, in websockify's formats: see TokenTable. Option:
// file.
std::unique_ptr<plugin::Resolver> MakeTokenFile(plugin::ResolverSetup setup);
// The same for tokens that are host names, which are compared in lower case.
std::unique_ptr<plugin::Resolver> MakeTokenFileOfHosts(plugin::ResolverSetup setup);

}  // namespace upgate::plugins
