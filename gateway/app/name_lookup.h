#pragma once

#include <string>
#include <vector>

#include "gateway/backend/server_names.h"
#include "gateway/base/result.h"
#include "gateway/config/config.h"

namespace upgate::app {

// A server whose name stands for others, and what is known of that name now.
struct NamedServer {
  std::string backend;
  config::Server server;
};
struct NameAnswer {
  backend::NameKey name;
  Result<std::vector<config::Server>> servers;
};

// The servers of all backends whose names are to be looked up.
std::vector<NamedServer> NamesOf(const config::Config& config);

// Looks up all of these names at once and waits for the answers, some seconds at most. Blocks: not
// for a loop that serves. On any thread.
std::vector<NameAnswer> LookUp(const std::vector<NamedServer>& names, const config::Config& config);

// The servers of all names of a configuration: as looked up now or, where that fails, as `known`.
// Blocks like LookUp; at once where there are no names.
backend::ServersOfNames LookUpAll(const config::Config& config,
                                  const backend::ServersOfNames& known);

}  // namespace upgate::app
