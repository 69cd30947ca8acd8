#pragma once

#include <memory>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"
#include "gateway/plugin/auth.h"
#include "gateway/plugin/resolver.h"
#include "gateway/plugin/service.h"

namespace upgate::app {

// Create what the configuration names from what is registered. They also examine the files that the
// options name, and block while they do. nullptr, with an error, when nothing has that name; what
// the options lack is added to the errors, too.

std::unique_ptr<plugin::Service> MakeService(const config::Config& config,
                                             const config::Route& route,
                                             const plugin::Registry& plugins,
                                             std::vector<config::ConfigError>& errors);

// Of a route that has one.
std::unique_ptr<plugin::Resolver> MakeResolver(const config::Config& config,
                                               const config::Route& route,
                                               const plugin::Registry& plugins,
                                               std::vector<config::ConfigError>& errors);

std::unique_ptr<plugin::AuthCheck> MakeAuth(const config::Config& config,
                                            const config::Authenticator& one,
                                            const plugin::Registry& plugins,
                                            std::vector<config::ConfigError>& errors);

}  // namespace upgate::app
