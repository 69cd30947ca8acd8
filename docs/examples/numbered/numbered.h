#pragma once

#include <memory>

#include "gateway/plugin/resolver.h"

namespace upgate::examples {

// A resolver for machines that are numbered: token 7 is the port `first` + 7 of `host`, up to
// `count` of them. With `delay` the answer takes that long, as that of a database would. Options:
// host, first, count, delay.
std::unique_ptr<plugin::Resolver> MakeNumbered(plugin::ResolverSetup setup);

}  // namespace upgate::examples
