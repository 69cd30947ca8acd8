#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Frames as the suite's own client and servers write and read them. Nothing here comes from
// gateway/ws: code that is tested against itself proves nothing. RFC 6455, section 5.
namespace upgate::conformance {

enum Opcode : unsigned {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10
};

// In how many bytes a length stands, besides the seven bits.
enum class LengthForm { kShortest, kTwoBytes, kEightBytes };

// Any frame, legal or not.
struct Frame {
  unsigned opcode = kText;
  std::string payload = {};
  bool fin = true;
  unsigned rsv = 0;  // RSV1 is 4, RSV2 is 2, RSV3 is 1
  bool masked = true;
  std::uint32_t mask = 0x37fa213d;  // in network order; that of RFC 6455's examples
  LengthForm form = LengthForm::kShortest;
};

std::string Encode(const Frame& frame);
// The header of a frame with a payload of `length` bytes, which is not there.
std::string EncodeHeader(const Frame& frame, std::uint64_t length);

// What a client sends. Parts do not end their message.
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

// All that a client got from the first byte behind the handshake to the end.
struct Received {
  std::vector<Message> messages;
  std::vector<std::string> pongs;
  std::string payload;         // of all messages
  std::size_t compressed = 0;  // messages
  bool closed = false;
  unsigned close_code = kNoStatus;
  std::string close_reason;
  std::string fault;  // the rule that the server broke; empty: none
};

class Inflater;

// Reads what a server sent, which must keep every rule to the last byte. With `inflater` messages
// may be compressed.
Received ReadServer(std::string_view bytes, Inflater* inflater = nullptr);

}  // namespace upgate::conformance
