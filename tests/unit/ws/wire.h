#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ws/frame.h"

namespace upgate::ws {

using namespace std::string_literals;
using namespace std::string_view_literals;

inline constexpr unsigned kFinBit = 0x80;

// A frame as a client sends it, with the length in its shortest form; written without the code
// under test.
std::string ClientFrame(unsigned first, std::string_view payload,
                        std::string_view mask = "\x37\xfa\x21\x3d");
std::string ServerFrame(unsigned first, std::string_view payload);

// The frames that came out of a decoder, their parts joined.
struct Frame {
  Opcode opcode;
  std::string payload;
  bool message_begin;
  bool message_end;  // false also while the frame is not whole
  bool whole;
  bool compressed = false;

  bool operator==(const Frame&) const = default;
};

struct Decoded {
  std::vector<Frame> frames;
  std::optional<ProtocolError> error;
  std::size_t given = 0;  // bytes that the decoder had seen when the error came, or all
  int code() const { return error ? error->close_code : 0; }
};

// Runs `wire` through a decoder in reads of `chunk` bytes. Adds a test failure when the marks of
// the parts contradict one another.
Decoded DecodeInChunks(std::string_view wire, std::size_t chunk, Role role = Role::kServer,
                       std::uint64_t max_message = 1 << 20,
                       Extensions extensions = Extensions::kNone);

}  // namespace upgate::ws
