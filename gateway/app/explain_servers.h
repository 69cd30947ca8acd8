#pragma once

#include <string>

#include "gateway/app/explain_lines.h"
#include "gateway/backend/balancer.h"
#include "gateway/backend/server_names.h"
#include "gateway/base/json.h"
#include "gateway/config/config.h"
#include "gateway/upgrade/generation.h"

namespace upgate::app {

// The state of the servers of a running gateway, for `upgate explain`: from its /stats. All of
// these throw Json::exception where the JSON is not like that.

// What the names of this configuration stand for in that gateway: the servers that it has beyond
// those that are configured.
backend::ServersOfNames NamesIn(const Json& stats, const config::Config& config);
// Puts the servers of a generation, which must have been made to serve, into the state that those
// of the gateway are in. Returns how many of its servers the gateway has.
std::size_t TakeStates(const Json& stats, const upgrade::Generation& generation);

// ", down", ", ejected, 3 sessions"; empty if it can take clients and has none.
std::string StateOf(const backend::BackendRecord& backend, std::size_t server);
// Which of the servers a client gets in this state, and why.
void TellChoice(Lines& out, const backend::BackendRecord& backend, const backend::Wish& wish);

}  // namespace upgate::app
