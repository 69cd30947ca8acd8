#pragma once

#include <memory>

#include "gateway/plugin/resolver.h"

namespace upgate::plugins {

// Finds the targets of tokens by asking an HTTP server: 200 with JSON ({"target": "tcp://…"} or
// {"host": "…", "port": …}), 404 and 410 for a token that is unknown. Answers are used again as
// their Cache-Control says. Options: url, tls, headers.
std::unique_ptr<plugin::Resolver> MakeHttp(plugin::ResolverSetup setup);

}  // namespace upgate::plugins
