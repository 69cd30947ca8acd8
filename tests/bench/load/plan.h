#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/load/client.h"

namespace upgate::bench {

// What one run does.
struct Plan {
  Target target;
  std::size_t connections = 1;
  std::size_t sources = 1;        // addresses that they come from: 127.0.0.2 and on
  std::size_t message_size = 64;  // bytes of payload
  std::size_t window = 1;         // messages under way on each connection
  double warmup = 0.5;            // seconds that are not measured
  double seconds = 2;             // that are
  bool framed = true;             // messages come back in the frames that they were sent in
  pid_t gateway = 0;              // whose processor time is counted, with its children

  // Of floods: what is sent (flood_block.h), whether what comes back stays unread, and whether
  // each connection is reset after one block and made anew.
  std::string flood = "small";
  bool unread = false;
  bool resets = false;

  // Of a polite client: what comes back (echo, any message, or http for the answer to a GET), the
  // seconds it pauses then, and the port at which health is asked for; 0: it is not.
  std::string answer = "echo";
  double pause = 0.005;
  std::uint16_t health = 0;

  std::string SourceOf(std::size_t connection) const {
    return "127.0.0." + std::to_string(2 + connection % sources);
  }
};

}  // namespace upgate::bench
