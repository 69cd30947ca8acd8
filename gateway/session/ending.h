#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/ws/close.h"

namespace upgate::session {

// Who brought a session to its end.
enum class Closer : std::uint8_t { kClient, kServer, kGateway };
std::string_view ToString(Closer closer);

// How a session ended: the first cause wins, what follows from it does not count.
struct Ending {
  std::uint16_t code =
      ws::close_code::kAbnormal;  // 1005: a Close without a code; 1006: no Close at all
  Closer closer = Closer::kClient;
  std::string why;
};

// Messages and payload bytes of one session; "in" is from the client.
struct Totals {
  std::uint64_t messages_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t bytes_out = 0;
};

}  // namespace upgate::session
