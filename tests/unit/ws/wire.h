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

// A frame as sent by a client, with the length in its shortest form; independent of the code under
// test.
std::string ClientFrame(unsigned first, std::string_view payload,
                        std::string_view mask = "\x37\xfa\x21\x3d");
std::string ServerFrame(unsigned first, std::string_view payload);

// The frames returned by a decoder, with their parts joined.
struct Frame {
  Opcode opcode;
  std::string payload;
  bool message_begin;
  bool message_end;  // false also while the frame is incomplete
  bool whole;
  bool compressed = false;

  bool operator==(const Frame&) const = default;
};

struct Decoded {
  std::vector<Frame> frames;
  std::optional<ProtocolError> error;
  std::size_t given = 0;  // bytes that the decoder had seen at the error, or all
  int code() const { return error ? error->close_code : 0; }
};

// Decodes `wire` in reads of `chunk` bytes. Adds a test failure if the marks of the parts are
// inconsistent.
Decoded DecodeInChunks(std::string_view wire, std::size_t chunk, Role role = Role::kServer,
                       std::uint64_t max_message = 1 << 20,
                       Extensions extensions = Extensions::kNone);

}  // namespace upgate::ws
