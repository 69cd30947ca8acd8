#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// Rooms: what a client sends goes to everybody else who is connected to the same path of the route,
// whichever loop they are on. The query does not matter. Messages of one publisher arrive in order
// at everybody; those of several publishers arrive in the same order at all subscribers of one
// loop, but not at those of another. Options: see broadcast::Options.
std::unique_ptr<plugin::Service> MakeBroadcast(plugin::ServiceSetup setup);

}  // namespace upgate::plugins
