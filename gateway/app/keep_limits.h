#pragma once

#include "gateway/upgrade/generation.h"

namespace upgate::app {

// Give a record of `generation` the limits of its configuration. What counts against the limits of
// `before`, the record that it replaces or nullptr, counts against them, too: both records share
// the counters, whose new bounds apply when the generation begins to serve (Generation::renewals).

void LimitConnections(upgrade::ListenerRecord& record, const upgrade::ListenerRecord* before,
                      upgrade::Generation& generation);

void LimitClients(upgrade::RouteRecord& record, const upgrade::RouteRecord* before,
                  upgrade::Generation& generation);

}  // namespace upgate::app
