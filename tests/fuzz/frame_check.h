#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/ws/close.h"
#include "gateway/ws/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/raw_deflate.h"
#include "tests/support/ws_client.h"

namespace upgate::test {

// Checks what one end of a connection received from the gateway against RFC 6455 and RFC 7692:
// masked only towards servers, nothing after a Close, fragments in order, compressed only if
// negotiated, valid deflate data, and complete texts in UTF-8.
class FrameCheck {
 public:
  FrameCheck(bool masked, bool compressed) : masked_(masked), compressed_(compressed) {}

  // All bytes from the beginning; the end of the connection may have truncated the last frame.
  void Check(std::string bytes) {
    for (const ParsedFrame& frame : TakeFrames(bytes)) {
      fuzz::Require(frame.opcode != kMalformed && frame.masked == masked_ && !closed_);
      frame.opcode >= kClose ? CheckControl(frame) : CheckData(frame);
    }
  }

 private:
  void CheckControl(const ParsedFrame& frame) {
    fuzz::Require(frame.opcode <= kPong && frame.fin && frame.rsv == 0);
    fuzz::Require(frame.payload.size() <= 125);
    if (frame.opcode != kClose) return;
    closed_ = true;
    fuzz::Require(frame.payload.size() != 1);
    if (frame.close_code()) fuzz::Require(ws::IsSendable(*frame.close_code()));
    CheckText(frame.close_reason());
  }

  void CheckData(const ParsedFrame& frame) {
    const bool begins = frame.opcode != kContinuation;
    fuzz::Require(frame.opcode <= kBinary && begins != open_);
    fuzz::Require(frame.rsv == 0 || (frame.rsv == kRsv1 && begins && compressed_));
    if (begins) {
      message_ = frame;
    } else {
      message_.payload += frame.payload;
    }
    open_ = !frame.fin;
    if (!open_) CheckMessage();
  }

  void CheckMessage() {
    const std::optional<std::string> message =
        message_.rsv == 0 ? message_.payload : inflater_.Message(message_.payload);
    fuzz::Require(message.has_value());
    if (message_.opcode == kText) CheckText(*message);
  }

  static void CheckText(std::string_view text) {
    ws::Utf8Checker utf8;
    fuzz::Require(utf8.Feed(AsBytes(text)) && utf8.complete());
  }

  static constexpr std::uint8_t kRsv1 = 4;

  const bool masked_;
  const bool compressed_;
  bool closed_ = false;
  bool open_ = false;     // whether a message is
  ParsedFrame message_;   // its first frame, with the payload of all
  RawInflater inflater_;  // with the largest window, which can inflate all
};

}  // namespace upgate::test
