#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/io/timers.h"
#include "gateway/ws/close.h"

namespace upgate::session {

// Who brought a session to its end.
enum class Closer : std::uint8_t { kClient, kServer, kGateway };
std::string_view ToString(Closer closer);

// What a client is told when its server broke a rule and got this code and reason for it: 1009 for
// a message that is too large, with its sizes, else 1011. The registry has 1014 for a bad gateway,
// which no client gets from here: Chromium and others take it for a fault of ours, and their pages
// see 1006.
ws::Close FaultOfServer(std::uint16_t close_code, std::string_view reason);

// How a session ended: the first cause wins, what follows from it does not count.
struct Ending {
  std::uint16_t code =
      ws::close_code::kAbnormal;  // 1005: a Close without a code; 1006: no Close at all
  Closer closer = Closer::kClient;
  std::string why;
};

// How a session fares at the moment.
struct Vitals {
  io::Instant active{};      // when a message last passed, either way, or a ping of a peer
  std::size_t queued = 0;    // bytes in the gateway's send queues, to both ends
  std::uint32_t rtt_us = 0;  // of the gateway's last ping to the client that was answered; 0: none
};

// The round-trip time of pings to one peer. Takes the clock's microseconds, and keeps their low 32
// bits: good for 71 minutes.
class PingClock {
 public:
  void OnPing(std::uint64_t now_us) { sent_us_ = static_cast<std::uint32_t>(now_us); }
  void OnPong(std::uint64_t now_us) {
    rtt_us_ = std::max(1u, static_cast<std::uint32_t>(now_us) - sent_us_);
  }
  // 0 as long as no ping was answered.
  std::uint32_t rtt_us() const { return rtt_us_; }

 private:
  std::uint32_t sent_us_ = 0;
  std::uint32_t rtt_us_ = 0;
};

// Messages and payload bytes of one session; "in" is from the client.
struct Totals {
  std::uint64_t messages_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t bytes_out = 0;
};

}  // namespace upgate::session
