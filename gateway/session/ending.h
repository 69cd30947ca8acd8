#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/io/timers.h"
#include "gateway/ws/close.h"

namespace upgate::session {

// Who caused a session to end.
enum class Closer : std::uint8_t { kClient, kServer, kGateway };
std::string_view ToString(Closer closer);

// The reason of a violation by the server, for the log.
std::string FromServer(std::string_view reason);

// The Close for the client of a server that violated the protocol and was itself closed with this
// code and reason: 1009 for a message that is too large, with the reason, else 1011. The registry
// has 1014 (Bad Gateway), but Chromium and others treat a Close with it as a protocol error, so
// that pages see 1006.
ws::Close FaultOfServer(std::uint16_t close_code, std::string_view reason);

// How a session ended. The first cause is recorded; its consequences are not.
struct Ending {
  std::uint16_t code =
      ws::close_code::kAbnormal;  // 1005: a Close without a code; 1006: no Close at all
  Closer closer = Closer::kClient;
  std::string why;
};

// The current state of a session.
struct Vitals {
  io::Instant active{};      // last message or ping of a peer, in either direction
  std::size_t queued = 0;    // bytes in the gateway's send queues, towards both peers
  std::uint32_t rtt_us = 0;  // of the last ping to the client that was answered; 0: none
};

// The round-trip time of pings to one peer. Takes the clock's microseconds and keeps the low 32
// bits, so that times up to 71 minutes are correct.
class PingClock {
 public:
  void OnPing(std::uint64_t now_us) { sent_us_ = static_cast<std::uint32_t>(now_us); }
  void OnPong(std::uint64_t now_us) {
    rtt_us_ = std::max(1u, static_cast<std::uint32_t>(now_us) - sent_us_);
  }
  // Microseconds; 0 until a ping has been answered.
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
