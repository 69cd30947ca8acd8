#pragma once

#include <memory>
#include <string_view>

#include "tests/bench/backend/server.h"

namespace upgate::bench {

// Parses a server on the command line: KIND:PORT[:MESSAGE_SIZE].
std::unique_ptr<Server> MakeServer(Loop& loop, std::string_view spec);

}  // namespace upgate::bench
