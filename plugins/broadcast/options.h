#pragma once

#include <algorithm>
#include <cstddef>

#include "gateway/plugin/message.h"

namespace upgate::plugins::broadcast {

struct Options {
  // Whether a publisher gets its own messages too.
  bool to_sender = false;
  // Whether clients may publish; otherwise a client that does is closed with 1008.
  bool clients_publish = true;
  // Whether a POST to a room's path publishes its body there.
  bool http_publish = false;
  // Limit for messages waiting for one subscriber whose socket is full (see Cost); above it the
  // subscriber is closed with 1013. One message may always wait, however large.
  std::size_t queue = 1024 * 1024;
  // The route's limits.message_size, for HTTP bodies; frames are checked earlier.
  std::size_t message_size = 1024 * 1024;
};

// The cost of a message wherever messages wait: its payload, but at least the overhead of storing
// one. So a limit in bytes limits their number too.
inline constexpr std::size_t kLeastCost = 64;

inline std::size_t Cost(const plugin::Message& message) {
  return std::max(message.payload().size(), kLeastCost);
}

inline std::size_t Cost(const plugin::Batch& batch) {
  std::size_t cost = 0;
  for (const auto& [payload, text, binary] : batch.sizes()) {
    cost += std::max<std::size_t>(payload, kLeastCost) * (text + binary);
  }
  return cost;
}

}  // namespace upgate::plugins::broadcast
