#include "plugins/host_token/host_token.h"

#include <utility>

#include "plugins/token_file/token_file.h"

namespace upgate::plugins {

std::unique_ptr<plugin::Resolver> MakeHostToken(plugin::ResolverSetup setup) {
  return MakeTokenFileOfHosts(std::move(setup));
}

}  // namespace upgate::plugins
