#include "tests/unit/ws/wire.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace upgate::ws {
namespace {

std::string HeaderStart(unsigned first, unsigned mask_bit, std::size_t length) {
  std::string wire(1, static_cast<char>(first));
  int digits = 0;
  if (length > 65535) {
    wire += static_cast<char>(mask_bit | 127);
    digits = 8;
  } else if (length > 125) {
    wire += static_cast<char>(mask_bit | 126);
    digits = 2;
  } else {
    wire += static_cast<char>(mask_bit | length);
  }
  for (int i = digits - 1; i >= 0; --i) wire += static_cast<char>(length >> 8 * i & 255);
  return wire;
}

void AddPart(const FramePart& part, std::vector<Frame>& frames) {
  const bool continues = !frames.empty() && !frames.back().whole;
  EXPECT_EQ(part.frame_begin, !continues);
  if (part.message_begin) {
    EXPECT_TRUE(part.frame_begin);
  }
  if (part.message_end) {
    EXPECT_TRUE(part.frame_end);
  }
  if (!continues)
    frames.push_back({part.opcode, {}, part.message_begin, false, false, part.compressed});
  Frame& frame = frames.back();
  EXPECT_EQ(frame.opcode, part.opcode);
  EXPECT_EQ(frame.compressed, part.compressed);
  frame.payload += AsText(part.payload);
  frame.message_end = part.message_end;
  frame.whole = part.frame_end;
}

}  // namespace

std::string ClientFrame(unsigned first, std::string_view payload, std::string_view mask) {
  std::string wire = HeaderStart(first, 0x80, payload.size());
  wire += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    wire += static_cast<char>(payload[i] ^ mask[i % 4]);
  }
  return wire;
}

std::string ServerFrame(unsigned first, std::string_view payload) {
  return HeaderStart(first, 0, payload.size()) + std::string(payload);
}

Decoded DecodeInChunks(std::string_view wire, std::size_t chunk, Role role,
                       std::uint64_t max_message, Extensions extensions) {
  Decoded decoded;
  FrameDecoder decoder(role, max_message, extensions);
  while (decoded.given < wire.size()) {
    // A separate buffer for each read, so that reads past its end are detected.
    std::string read(wire.substr(decoded.given, chunk));
    decoded.given += read.size();
    MutableBytes input = std::as_writable_bytes(std::span(read));
    for (;;) {
      auto part = decoder.Next(input);
      if (!part) {
        decoded.error = part.error();
        return decoded;
      }
      if (!*part) break;
      AddPart(**part, decoded.frames);
    }
    EXPECT_TRUE(input.empty());
  }
  return decoded;
}

}  // namespace upgate::ws
