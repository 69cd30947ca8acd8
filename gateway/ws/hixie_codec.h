#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "gateway/base/bytes.h"
#include "gateway/config/dialect.h"
#include "gateway/io/network.h"
#include "gateway/ws/close.h"
#include "gateway/ws/frame.h"

namespace upgate::ws {

// Translates the frames of draft-hixie-thewebsocketprotocol-76 (also hybi-00) and -75, section 4.2,
// to those of RFC 6455 and back:
//
// - 0x00, UTF-8 bytes, 0xFF: a text message
// - 0x01 to 0x7F, bytes, 0xFF: reserved, skipped
// - 0x80 to 0xFF, length, bytes: reserved, skipped; the length is in base-128 digits, with the high
//   bit set on all but the last
// - 0xFF 0x00: the closing handshake, only in -76; -75 closes the connection instead
//
// Both classes: one object per connection, no I/O, no clock; not thread-safe. `dialect` is kHixie76
// or kHixie75.

// Translates what a client sends into frames of an RFC 6455 client. Keeps no payload: incomplete
// text is passed on as a fragment. Does not validate UTF-8; the reader of the frames does.
class HixieDecoder {
 public:
  // `entropy` is used for masks and must outlive the decoder.
  HixieDecoder(config::Dialect dialect, io::Entropy& entropy)
      : entropy_(entropy), dialect_(dialect) {}

  // Consumes all of `data` and appends complete, masked frames to `frames`. The last one is a
  // Close: 1000 for the client's own, 1002 for a length of more than 63 bits.
  void Decode(Bytes data, std::string& frames);
  // The client has ended its direction of the connection. For -75 that is its Close, unless it
  // happens inside a frame.
  void End(std::string& frames);

  // Appends a Close with this error on behalf of the client; nothing follows it.
  void Close(const ProtocolError& error, std::string& frames);
  // Appends a Pong on behalf of the client, which has no such frame.
  void Pong(Bytes payload, std::string& frames) { Append(Opcode::kPong, true, payload, frames); }
  // A Close was appended: further input is dropped.
  bool closed() const { return state_ == State::kClosed; }

 private:
  enum class State : std::uint8_t {
    kType,      // between two frames
    kText,      // text up to 0xFF
    kReserved,  // ignored up to 0xFF
    kLength,
    kSkip,  // ignored; length_ bytes are left
    kClosed,
  };

  void TakeType(std::byte type);
  void TakeText(Bytes& data, std::string& frames);
  void TakeDigit(std::byte digit, std::string& frames);
  void TakeLength(std::string& frames);
  void Append(Opcode opcode, bool fin, Bytes payload, std::string& frames);
  void AppendClose(std::uint16_t code, std::string_view reason, std::string& frames);

  io::Entropy& entropy_;
  std::uint64_t length_ = 0;
  config::Dialect dialect_;
  State state_ = State::kType;
  bool may_close_ = false;   // the frame type was 0xFF
  bool in_message_ = false;  // a fragment was appended
};

// Translates what an RFC 6455 server sends for the client. Validates frames, and text as UTF-8, so
// that no payload can contain the end of a frame.
class HixieEncoder {
 public:
  explicit HixieEncoder(config::Dialect dialect);

  struct Encoded {
    std::optional<std::string> ping;       // payload of the last one; the client cannot answer it
    const ProtocolError* error = nullptr;  // what this client cannot be sent; reported once
    // A Close arrived, or the framing is invalid: nothing more is sent, and the connection must end
    // unless the client was `told`.
    bool ended = false;
    bool told = false;  // the closing handshake of the client's dialect was appended
  };
  // Consumes all of `frames`, which may be split anywhere, and appends output for the client to
  // `out`. After an error, messages are dropped.
  Encoded Encode(MutableBytes frames, std::string& out);

 private:
  void TakeText(const FramePart& part, std::string& out);
  void TakeControl(const FramePart& part, Encoded& result, std::string& out);

  FrameDecoder decoder_;
  std::string ping_;  // payload of a ping that is split across calls
  std::optional<ProtocolError> error_;
  config::Dialect dialect_;
  bool in_text_ = false;
  bool ended_ = false;
};

}  // namespace upgate::ws
