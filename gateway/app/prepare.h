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

// The loops that serve, for whoever has to tell all of them something. Gone before they are.
struct Loops {
  upgrade::PostToLoop post;
  std::size_t count = 0;
};

// What a configuration needs beside its own words to serve.
struct Serving {
  stats::Registry& registry;
  // Of the services that nobody uses any more, the loops let their instances go.
  std::weak_ptr<const Loops> loops;
  const upgrade::Generation* previous = nullptr;  // that it takes the place of
};

using Prepared =
    std::expected<std::shared_ptr<const upgrade::Generation>, std::vector<config::ConfigError>>;

// Makes a configuration ready: reads the certificates and makes the services. As errors everything
// that is wrong, in file order: what its text says, and what shows only now. The latter not of a
// listener, backend or route that is wrong by its text already. Without `serving` it is only looked
// at.
Prepared Prepare(const config::Draft& draft, const plugin::Registry& plugins,
                 const Serving* serving = nullptr);
// The same of a configuration without errors.
Prepared Prepare(std::shared_ptr<const config::Config> config, const plugin::Registry& plugins,
                 const Serving* serving = nullptr);

// The rows of one that is to serve, in the order of the output.
stats::Registry::Order RowsOf(const upgrade::Generation& generation);

// What the statistics say of the program itself.
stats::Registry::Build BuildInfo();

}  // namespace upgate::app
