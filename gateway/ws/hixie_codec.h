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

// The frames of draft-hixie-thewebsocketprotocol-76 (also hybi-00) and -75, section 4.2, turned
// into those of RFC 6455 and back:
//
//   0x00, UTF-8 bytes, 0xFF         a text message
//   0x01 to 0x7F, bytes, 0xFF       reserved: passed over
//   0x80 to 0xFF, length, bytes     reserved: passed over; the length in base-128 digits, the high
//   bit set on all but the last 0xFF 0x00                       the closing handshake, of -76 only;
//   in -75 the end of the connection has to do
//
// Both classes: one for a connection, no I/O, no clock; not thread-safe. `dialect` is kHixie76 or
// kHixie75.

// What a client sends, as a client of RFC 6455 would. Keeps no payload: a text whose end is not
// there yet goes on as a fragment. It does not look into the text; who reads the frames checks for
// UTF-8.
class HixieDecoder {
 public:
  // `entropy` is for the masks, and outlives the decoder.
  HixieDecoder(config::Dialect dialect, io::Entropy& entropy)
      : entropy_(entropy), dialect_(dialect) {}

  // Uses up `data` and appends whole frames, masked, to `frames`. The last one is a Close: 1000 for
  // the client's own, 1002 for a length of more than 63 bits.
  void Decode(Bytes data, std::string& frames);
  // The client's side of the connection is at its end: for -75 that is its Close, unless it comes
  // within a frame.
  void End(std::string& frames);

  // A Close that the client did not send, but that says what has to be said of it; nothing follows
  // it.
  void Close(const ProtocolError& error, std::string& frames);
  // A Pong that the client cannot send.
  void Pong(Bytes payload, std::string& frames) { Append(Opcode::kPong, true, payload, frames); }
  // Past the Close: what still comes is dropped.
  bool closed() const { return state_ == State::kClosed; }

 private:
  enum class State : std::uint8_t {
    kType,      // between two frames
    kText,      // up to 0xFF, for the reader
    kReserved,  // up to 0xFF, for nobody
    kLength,
    kSkip,  // as many bytes as the length said
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
  bool may_close_ = false;   // the type was 0xFF
  bool in_message_ = false;  // a fragment went out
};

// What a server of RFC 6455 sends, as the client can read it. Checks the frames, and text for
// UTF-8, so that no payload can pass for the end of a frame.
class HixieEncoder {
 public:
  explicit HixieEncoder(config::Dialect dialect);

  struct Encoded {
    std::optional<std::string> ping;  // the payload of the last one, which the client cannot answer
    const ProtocolError* error = nullptr;  // what cannot be told to this client; once
    // A Close came, or the frames are no frames: nothing more goes out, and the connection is to
    // end as far as the client is not told so.
    bool ended = false;
    bool told = false;  // the client has the closing handshake of its own dialect
  };
  // Uses up `frames`, which may begin and end anywhere, and appends what goes to the client to
  // `out`. After an error messages are dropped.
  Encoded Encode(MutableBytes frames, std::string& out);

 private:
  void TakeText(const FramePart& part, std::string& out);
  void TakeControl(const FramePart& part, Encoded& result, std::string& out);

  FrameDecoder decoder_;
  std::string ping_;  // that is cut across calls
  std::optional<ProtocolError> error_;
  config::Dialect dialect_;
  bool in_text_ = false;
  bool ended_ = false;
};

}  // namespace upgate::ws
