#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/parse.h"
#include "gateway/plugin/service.h"
#include "gateway/stats/stats.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/generation.h"

namespace upgate::app {

// A way to post a task to every loop. Destroyed before the loops are.
struct Loops {
  upgrade::PostToLoop post;
  std::size_t count = 0;
};

// What a generation needs to serve, in addition to its configuration.
struct Serving {
  stats::Registry& registry;
  // Told to destroy the instances of a service that nothing uses any more.
  std::weak_ptr<const Loops> loops;
  const upgrade::Generation* previous = nullptr;  // the one that it replaces; nullptr: none
  std::shared_ptr<const backend::ServersOfNames> names = {};  // nullptr: none are known
};

using Prepared =
    std::expected<std::shared_ptr<const upgrade::Generation>, std::vector<config::ConfigError>>;

// Turns a configuration into a generation: reads certificates and token files, creates services,
// builds the router. Blocks: not for a loop that serves. On failure returns every error, in file
// order: those of the text, and those that only show now; a listener, backend or route with an
// error in its text is not examined further. Without `serving` the generation is for a check only.
Prepared Prepare(const config::Draft& draft, const plugin::Registry& plugins,
                 const Serving* serving = nullptr);
// The same for a configuration without errors.
Prepared Prepare(std::shared_ptr<const config::Config> config, const plugin::Registry& plugins,
                 const Serving* serving = nullptr);

// The statistics rows of a generation that was made to serve, in the order of the output.
stats::Registry::Order RowsOf(const upgrade::Generation& generation);

// Writes the weights and states of a generation's servers into their rows: those of a server that
// was away meanwhile may say what was.
void ShowServers(const upgrade::Generation& generation);

// The versions of the program and its libraries, for the statistics.
stats::Registry::Build BuildInfo();

}  // namespace upgate::app
