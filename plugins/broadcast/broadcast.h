#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// Rooms: a client's message is sent to all other clients connected to the same path of the route,
// on any loop. The query is ignored. Messages of one publisher arrive in order at everyone; those
// of several publishers arrive in the same order at all subscribers of one loop, but not at those
// of another. Options: see broadcast::Options.
std::unique_ptr<plugin::Service> MakeBroadcast(plugin::ServiceSetup setup);

}  // namespace upgate::plugins
