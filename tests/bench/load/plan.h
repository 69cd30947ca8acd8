#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/load/client.h"

namespace upgate::bench {

// The parameters of a run.
struct Plan {
  Target target;
  std::size_t connections = 1;
  std::size_t sources = 1;        // number of client addresses, from 127.0.0.2 on
  std::size_t message_size = 64;  // bytes of payload
  std::size_t window = 1;         // messages in flight on each connection
  double warmup = 0.5;            // seconds before the measurement
  double seconds = 2;             // seconds of the measurement
  bool framed = true;             // messages come back in the frames in which they were sent
  pid_t gateway = 0;              // whose processor time is counted, including its children

  // For floods: what is sent (flood_block.h), whether responses stay unread, and whether each
  // connection is reset after one block and opened again.
  std::string flood = "small";
  bool unread = false;
  bool resets = false;

  // For the polite client: the kind of answer (echo, any message, or http for the response to a
  // GET), its pause in seconds, and the port of the health check; 0: none.
  std::string answer = "echo";
  double pause = 0.005;
  std::uint16_t health = 0;

  // For steady clients: how many more use TLS, their target, and short sessions per second.
  Target secure;
  std::size_t secure_connections = 0;
  std::uint64_t handshakes = 0;

  std::string SourceOf(std::size_t connection) const {
    return "127.0.0." + std::to_string(2 + connection % sources);
  }
};

}  // namespace upgate::bench
