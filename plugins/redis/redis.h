#pragma once

#include <memory>

#include "gateway/plugin/resolver.h"

namespace upgate::plugins {

// Finds the targets of tokens in Redis: the value of a string key, in one of the forms of
// TargetOfValue. Options: server, tls, username, password, database, pattern.
std::unique_ptr<plugin::Resolver> MakeRedis(plugin::ResolverSetup setup);

}  // namespace upgate::plugins
