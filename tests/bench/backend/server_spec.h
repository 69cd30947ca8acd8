#pragma once

#include <memory>
#include <string_view>

#include "tests/bench/backend/server.h"

namespace upgate::bench {

// A server as the command line says it: KIND:PORT[:MESSAGE_SIZE].
std::unique_ptr<Server> MakeServer(Loop& loop, std::string_view spec);

}  // namespace upgate::bench
