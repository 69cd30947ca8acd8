// Conversion between the bytes of a TCP server and text messages, with the encodings text and
// base64, with messages and with the server's bytes split everywhere.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/connection.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/gateway.h"
#include "tests/conformance/stage.h"
#include "tests/conformance/utf8.h"

namespace upgate::conformance {
namespace {

// One gateway for all tests, and the TCP server behind it, which each test plays.
class Bytes {
 public:
  static Bytes& Get() {
    static Bytes bytes;
    return bytes;
  }
  Listener& listener() { return listener_; }
  RunningGateway& gateway() { return gateway_; }

 private:
  Listener listener_;
  RunningGateway gateway_{
      "backends: { bytes: { servers: [ \"tcp://127.0.0.1:" + std::to_string(listener_.port()) +
      "\" ] } }\n"
      "routes:\n"
      "  - { path: /auto, backend: bytes }\n"
      "  - { path: /text, backend: bytes, encoding: text }\n"
      "  - { path: /base64, backend: bytes, encoding: base64 }\n"
      "  - { path: /small, backend: bytes, encoding: base64, limits: { message_size: 8 } }\n"};
};

// A client in its session, and its server.
struct Session {
  explicit Session(std::string_view path, std::string_view fields = "")
      : client(Bytes::Get().gateway().port(false), Transport::kPlain) {
    client.Send(HandshakeFor(path, fields));
    server = Bytes::Get().listener().Accept();
    head = TakeAccepted(client);
  }

  Connection client;
  std::unique_ptr<Connection> server;
  std::string head;
};

using Pieces = std::vector<std::string_view>;

// In one piece, byte by byte, and split at every byte.
std::vector<Pieces> WaysOf(std::string_view bytes) {
  std::vector<Pieces> ways{{bytes}, {}};
  for (std::size_t i = 0; i < bytes.size(); ++i) ways[1].push_back(bytes.substr(i, 1));
  for (std::size_t cut = 1; cut < bytes.size(); ++cut)
    ways.push_back({bytes.substr(0, cut), bytes.substr(cut)});
  return ways;
}

void SendPieces(Connection& connection, const Pieces& pieces) {
  for (const std::string_view piece : pieces) {
    connection.Send(piece);
    connection.WaitUntilRead();
  }
}

// ---- client to server

struct Upstream {
  std::string name;
  std::string path;
  std::string sent;      // then a Close, unless a violation ends it
  std::string received;  // by the server
  unsigned close = 1000;
};

std::vector<Upstream> UpstreamCases() {
  const std::string owl = "owl \xf0\x9f\xa6\x89.";
  return {
      {"text", "/text", Text(owl) + Text("") + Text("more"), owl + "more"},
      {"text_in_fragments", "/text", Fragments(kText, owl, 1) + Ping("p") + Text("more"),
       owl + "more"},
      {"text_not_utf8", "/text", Text("fine") + Text("caf\xe9!"), "finecaf\xe9", 1007},
      {"text_cut_in_a_character", "/text", Text("fine") + Text("\xf0\x9f"), "fine\xf0\x9f", 1007},
      {"binary_where_text_is_spoken", "/text", Text("fine") + Binary("x"), "fine", 1003},
      {"empty_binary_where_text_is_spoken", "/text", Text("fine") + Binary(""), "fine", 1003},
      {"text_by_the_url", "/auto?encoding=text", Text("fine") + Binary("x"), "fine", 1003},
      {"base64_by_the_url", "/auto?encoding=base64", Text("aGVsbG8="), "hello"},
      {"binary_by_the_url", "/auto?encoding=binary", Text("aGVsbG8=") + Binary("\xff"),
       "aGVsbG8=\xff"},
      {"base64", "/base64", Text("aGVsbG8=") + Text("") + Text("AP8Q") + Text("Lg=="),
       std::string("hello\0\xff\x10.", 9)},
      {"base64_in_fragments", "/base64",
       Fragments(kText, "aGVsbG8gdGhlcmU=", 3) + Ping("p") + Text("Lg=="), "hello there."},
      {"base64_binary", "/base64", Text("Lg==") + Binary("Lg=="), ".", 1003},
      {"base64_wrong_letter", "/base64", Text("Lg==") + Text("aGVs*G8="), ".hel", 1007},
      {"base64_of_urls", "/base64", Text("Lg==") + Text("_-8="), ".", 1007},
      {"base64_ends_in_a_group", "/base64", Text("Lg==") + Text("aGVsbG8"), ".hel", 1007},
      {"base64_goes_on_behind_its_end", "/base64", Text("Lg==") + Text("Lg==Lg=="), "..", 1007},
      {"base64_padding_alone", "/base64", Text("Lg==") + Text("===="), ".", 1007},
      {"base64_padding_of_three", "/base64", Text("Lg==") + Text("L==="), ".", 1007},
      {"base64_line_break", "/base64", Text("Lg==") + Text("Lg==\r\n"), "..", 1007},
      {"at_the_limit", "/small", Text("aGVsbG8=") + Text("aGVsbG8h"), "hellohello!"},
      {"over_the_limit", "/small", Text("aGVsbG8=") + Text("aGVsbG8hLg=="), "hello", 1009},
  };
}

// The server may have received what precedes the violation in an invalid message.
bool IsBeginning(std::string_view got, const Upstream& row) {
  return row.close == 1000 ? got == row.received : row.received.starts_with(got);
}

TEST(Encodings, FromClientsToTheServer) {
  for (const Upstream& row : UpstreamCases()) {
    SCOPED_TRACE(row.name);
    const std::string sent = row.sent + (row.close == 1000 ? Close(1000) : Ping("late"));
    for (const Pieces& pieces : WaysOf(sent)) {
      Session session(row.path);
      SendPieces(session.client, pieces);
      EXPECT_EQ(session.server->ReadToEnd(), Ending::kEnd);
      EXPECT_TRUE(IsBeginning(session.server->received(), row)) << session.server->received();
      session.server->End();
      EXPECT_EQ(session.client.ReadToEnd(), Ending::kEnd);
      const Received got = ReadServer(session.client.received());
      EXPECT_EQ(got.fault, "");
      EXPECT_EQ(got.close_code, row.close) << got.close_reason;
      EXPECT_TRUE(got.messages.empty());
    }
  }
}

// ---- server to client

struct Downstream {
  std::string name;
  std::string path;
  std::string sent;     // by the server, which then ends its connection
  std::string payload;  // of all messages
  unsigned close = 1000;
};

std::vector<Downstream> DownstreamCases() {
  return {
      {"text", "/text", "a\xc3\xa4\xe6\xb0\xb4\xf0\x9f\xa6\x89z",
       "a\xc3\xa4\xe6\xb0\xb4\xf0\x9f\xa6\x89z"},
      {"text_with_nul", "/text", std::string("a\0b", 3), std::string("a\0b", 3)},
      {"text_not_utf8", "/text",
       "fine\xff"
       "ly",
       "fine", 1007},
      {"text_of_a_surrogate", "/text", "fine\xed\xa0\x80", "fine", 1007},
      {"text_that_is_overlong", "/text", "fine\xc0\x80", "fine", 1007},
      {"text_that_ends_in_a_character", "/text", "fine\xf0\x9f\xa6", "fine", 1007},
      {"text_that_never_begins", "/text", "\x80", "", 1007},
      {"text_by_the_url", "/auto?encoding=text", "\xe6\xb0\xb4", "\xe6\xb0\xb4"},
      {"nothing", "/text", "", ""},
      {"nothing_in_base64", "/base64", "", ""},
  };
}

TEST(Encodings, TextFromTheServerIsCutBetweenCharacters) {
  for (const Downstream& row : DownstreamCases()) {
    SCOPED_TRACE(row.name);
    for (const Pieces& pieces : WaysOf(row.sent)) {
      Session session(row.path);
      SendPieces(*session.server, pieces);
      session.server->End();
      while (!ReadServer(session.client.received()).closed &&
             session.client.Await(session.client.received().size() + 1)) {
      }
      const Received got = ReadServer(session.client.received());
      session.client.Send(Close(got.close_code));
      EXPECT_EQ(session.client.ReadToEnd(), Ending::kEnd);
      EXPECT_EQ(got.fault, "");
      EXPECT_EQ(got.close_code, row.close) << got.close_reason;
      EXPECT_TRUE(row.close == 1000 ? got.payload == row.payload
                                    : row.payload.starts_with(got.payload))
          << got.payload;
      for (const Message& message : got.messages) {
        EXPECT_EQ(message.opcode, unsigned{kText});
        EXPECT_NE(message.payload, "");
        EXPECT_TRUE(IsUtf8(message.payload));
      }
    }
  }
}

// Every piece that arrives becomes a separate message of complete groups.
TEST(Encodings, Base64FromTheServer) {
  const struct {
    std::string bytes, base64;
  } rows[] = {
      {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {std::string("\0\xff\xfe", 3), "AP/+"}};
  for (const auto& [bytes, base64] : rows) {
    Session session("/base64");
    for (int i = 0; i < 3; ++i) {
      session.server->Send(bytes);
      session.server->WaitUntilRead();
      ASSERT_TRUE(session.client.Await((i + 1) * (base64.size() + 2)));
    }
    const Received got = ReadServer(session.client.received());
    EXPECT_EQ(got.messages, (std::vector<Message>(3, {kText, base64})));
  }
}

TEST(Encodings, TheSubprotocolNamesOneAsOlderClientsHaveIt) {
  Session base64("/auto", "Sec-WebSocket-Protocol: binary, base64\r\n");
  EXPECT_NE(base64.head.find("\r\nSec-WebSocket-Protocol: binary\r\n"), std::string::npos)
      << base64.head;
  base64.server->Send("f");
  ASSERT_TRUE(base64.client.Await(3));
  EXPECT_EQ(ReadServer(base64.client.received()).messages, (std::vector<Message>{{kBinary, "f"}}));

  Session only("/auto", "Sec-WebSocket-Protocol: base64\r\n");
  EXPECT_NE(only.head.find("\r\nSec-WebSocket-Protocol: base64\r\n"), std::string::npos)
      << only.head;
  only.server->Send("f");
  ASSERT_TRUE(only.client.Await(6));
  EXPECT_EQ(ReadServer(only.client.received()).messages, (std::vector<Message>{{kText, "Zg=="}}));
}

}  // namespace
}  // namespace upgate::conformance
