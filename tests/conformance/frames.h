#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The suite's own frame reader and writer. Deliberately independent of gateway/ws: testing code
// against itself proves nothing. RFC 6455, section 5.
namespace upgate::conformance {

enum Opcode : unsigned {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10
};

// The encoding of the length.
enum class LengthForm { kShortest, kTwoBytes, kEightBytes };

inline unsigned At(std::string_view bytes, std::size_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

// Any frame, valid or not.
struct Frame {
  unsigned opcode = kText;
  std::string payload = {};
  bool fin = true;
  unsigned rsv = 0;  // RSV1 is 4, RSV2 is 2, RSV3 is 1
  bool masked = true;
  std::uint32_t mask = 0x37fa213d;  // in network order; the mask of RFC 6455's examples
  LengthForm form = LengthForm::kShortest;
};

std::string Encode(const Frame& frame);
// The header of a frame with a payload of `length` bytes, without the payload.
std::string EncodeHeader(const Frame& frame, std::uint64_t length);

// Frames of a client. Parts do not end their message.
std::string Text(std::string_view payload);
std::string Binary(std::string_view payload);
std::string TextPart(std::string_view payload);
std::string BinaryPart(std::string_view payload);
std::string Part(std::string_view payload);
std::string LastPart(std::string_view payload);
std::string Ping(std::string_view payload = "");
std::string Pong(std::string_view payload = "");
std::string Close(unsigned code, std::string_view reason = "");
std::string CloseBody(std::string_view body);
std::string Fragments(unsigned opcode, std::string_view payload, std::size_t fragment);

struct Message {
  unsigned opcode = kText;
  std::string payload;
  bool operator==(const Message&) const = default;
};

inline constexpr unsigned kNoStatus = 1005;  // a Close without a body

// Everything a client received after the handshake, up to the end.
struct Received {
  std::vector<Message> messages;
  std::vector<std::string> pongs;
  std::string payload;         // of all messages
  std::size_t compressed = 0;  // number of compressed messages
  bool closed = false;
  unsigned close_code = kNoStatus;
  std::string close_reason;
  std::string fault;  // the rule that the server violated; empty: none
};

class Inflater;

// Parses the output of a server, which must follow every rule. With `inflater`, messages may be
// compressed.
Received ReadServer(std::string_view bytes, Inflater* inflater = nullptr);

}  // namespace upgate::conformance
