// The servers behind the gateway, as a separate program.
//   backend KIND:PORT[:MESSAGE_SIZE]...     kinds: server.h
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "tests/bench/backend/server.h"
#include "tests/bench/backend/server_spec.h"
#include "tests/bench/wire/die.h"

int main(int argc, char** argv) {
  using namespace upgate::bench;
  if (argc < 2) Die("usage: backend KIND:PORT[:MESSAGE_SIZE]...");
  Loop loop(false);
  std::vector<std::unique_ptr<Server>> servers;
  for (int i = 1; i < argc; ++i) servers.push_back(MakeServer(loop, argv[i]));
  for (;;) loop.Turn(std::numeric_limits<std::uint64_t>::max());
}
