#pragma once

#include <memory>

#include "gateway/plugin/resolver.h"

namespace upgate::plugins {

// websockify's --host-token with a token file: the token is the host that the client asked for.
// The same as token_file with from: [ host ], which is the default here, and regardless of case.
// Option: file.
std::unique_ptr<plugin::Resolver> MakeHostToken(plugin::ResolverSetup setup);

}  // namespace upgate::plugins
