// The gateway as the client of a misbehaving WebSocket server: violations do not reach the
// gateway's client, and valid data arrives however it is split.
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/cases.h"
#include "tests/conformance/connection.h"
#include "tests/conformance/deflate.h"
#include "tests/conformance/echo_server.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/gateway.h"
#include "tests/conformance/reference.h"
#include "tests/conformance/stage.h"
#include "tests/support/cases.h"

namespace upgate::conformance::upstream_test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// One gateway for all tests, and the server behind it, which each test plays.
class Upstream {
 public:
  static Upstream& Get() {
    static Upstream upstream;
    return upstream;
  }

  Listener& listener() { return listener_; }
  RunningGateway& gateway() { return gateway_; }

 private:
  Listener listener_;
  RunningGateway gateway_{
      "backends:\n"
      "  live: { servers: [ \"ws://127.0.0.1:" +
      std::to_string(listener_.port()) +
      "\" ] }\n"
      "  hasty: { servers: [ \"ws://127.0.0.1:" +
      std::to_string(listener_.port()) +
      "\" ], first_byte_timeout: 100ms }\n"
      "routes:\n"
      "  - { path: /live, backend: live, limits: { message_size: 1000, server_message_size: 1000 } "
      "}\n"
      "  - { path: /enforced, backend: live, enforce: true, limits: { message_size: 1000, "
      "server_message_size: 1000 } }\n"
      "  - path: /deflated\n"
      "    backend: live\n"
      "    enforce: true\n"
      "    server_compression: { threshold: 0 }\n"
      "    limits: { message_size: 1000, server_message_size: 1000 }\n"
      "  - { path: /hasty, backend: hasty }\n"};
};

// A client whose handshake is pending at the server.
class Relayed {
 public:
  explicit Relayed(std::string_view fields = "", std::string_view path = "/live")
      : client(Upstream::Get().gateway().port(false), Transport::kPlain) {
    client.Send(HandshakeFor(path, fields));
    server = Upstream::Get().listener().Accept();
    request = server->ReadHead();
  }

  // The lines of a valid 101, without the empty line.
  std::string Accepted() const {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
           "Upgrade\r\nSec-WebSocket-Accept: " +
           AcceptFor(request) + "\r\n";
  }

  Connection client;
  std::unique_ptr<Connection> server;
  std::string request;
};

void SendByteByByte(Connection& connection, std::string_view bytes) {
  for (const char byte : bytes) {
    connection.Send({&byte, 1});
    connection.WaitUntilRead();
  }
}

std::string FromServer(unsigned opcode, std::string_view payload, bool fin = true,
                       unsigned rsv = 0) {
  Frame frame;
  frame.opcode = opcode;
  frame.rsv = rsv;
  frame.payload = payload;
  frame.fin = fin;
  frame.masked = false;
  return Encode(frame);
}

// The server's output for each route on which it is invalid.
template <class Row>
struct On {
  std::string path;
  Row row;
};

template <class Row>
std::ostream& operator<<(std::ostream& out, const On<Row>& on) {
  return out << on.path << ' ' << on.row.name;
}

template <class Row>
std::vector<On<Row>> OnAll(std::initializer_list<const char*> paths, const std::vector<Row>& rows) {
  std::vector<On<Row>> all;
  for (const char* path : paths) {
    for (const Row& row : rows) all.push_back({path, row});
  }
  return all;
}

// Answers like a client that received a Close.
void AnswerClose(Connection& client, unsigned code) {
  while (!ReadServer(client.received()).closed) {
    if (!client.Await(client.received().size() + 1)) return;
  }
  client.Send(Close(code));
}

struct NameOfRow {
  template <class Row>
  std::string operator()(const testing::TestParamInfo<On<Row>>& info) const {
    return info.param.path.substr(1) + "_" + info.param.row.name;
  }
};

// ---- answers that are no handshake

struct WrongAnswer {
  const char* name;
  // With ACCEPT for the correct value; the empty line follows.
  std::string head;
  std::string behind = {};
};

std::vector<WrongAnswer> WrongAnswers() {
  const std::string line = "HTTP/1.1 101 Switching Protocols\r\n";
  const std::string upgrade = "Upgrade: websocket\r\n";
  const std::string connection = "Connection: Upgrade\r\n";
  const std::string accept = "Sec-WebSocket-Accept: ACCEPT\r\n";
  const std::string good = line + upgrade + connection + accept;
  return {
      {"no_accept", line + upgrade + connection},
      {"empty_accept", line + upgrade + connection + "Sec-WebSocket-Accept: \r\n"},
      {"the_key_as_accept",
       line + upgrade + connection + "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n"},
      {"another_accept",
       line + upgrade + connection + "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"},
      {"accept_and_more", line + upgrade + connection + "Sec-WebSocket-Accept: ACCEPTx\r\n"},
      {"accept_in_quotes", line + upgrade + connection + "Sec-WebSocket-Accept: \"ACCEPT\"\r\n"},
      {"accept_twice", good + accept},
      {"no_upgrade", line + connection + accept},
      {"empty_upgrade", line + "Upgrade: \r\n" + connection + accept},
      {"another_upgrade", line + "Upgrade: h2c\r\n" + connection + accept},
      {"a_longer_upgrade", line + "Upgrade: websockets\r\n" + connection + accept},
      {"two_upgrades", line + "Upgrade: websocket, h2c\r\n" + connection + accept},
      {"no_connection", line + upgrade + accept},
      {"another_connection", line + upgrade + "Connection: close\r\n" + accept},
      {"a_subprotocol_not_offered", good + "Sec-WebSocket-Protocol: chess\r\n"},
      {"a_subprotocol_in_other_letters", good + "Sec-WebSocket-Protocol: CHAT\r\n"},
      {"all_that_was_offered", good + "Sec-WebSocket-Protocol: chat, super\r\n"},
      {"two_subprotocols",
       good + "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: super\r\n"},
      {"an_extension_not_offered", good + "Sec-WebSocket-Extensions: x-webkit-deflate-frame\r\n"},
      {"one_extension_of_two_not_offered",
       good + "Sec-WebSocket-Extensions: permessage-deflate, mux\r\n"},
      {"another_extension_not_offered",
       good + "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: mux\r\n"},
      {"a_folded_length", good + "Content-Length: 5\r\n 6\r\n", "early"},
      {"two_protocols", good + "Upgrade: h2c\r\n"},
      {"http_1_0", "HTTP/1.0 101 Switching Protocols\r\n" + upgrade + connection + accept},
      {"http_2", "HTTP/2.0 101 Switching Protocols\r\n" + upgrade + connection + accept},
      {"a_status_of_two_digits",
       "HTTP/1.1 10 Switching Protocols\r\n" + upgrade + connection + accept},
      {"a_status_that_is_none",
       "HTTP/1.1 099 Switching Protocols\r\n" + upgrade + connection + accept},
      {"a_status_in_words", "HTTP/1.1 one Switching Protocols\r\n" + upgrade + connection + accept},
      {"no_http", "WS/13 101 Switching Protocols\r\n" + upgrade + connection + accept},
      {"a_folded_header", good + "X-Folded: a\r\n b\r\n"},
      {"a_bare_line_feed", good + "X-Bare: a\nX-Other: b\r\n"},
      {"a_bare_carriage_return", good + "X-Bare: a\rX-Other: b\r\n"},
      {"a_space_before_the_colon", good + "X-Space : a\r\n"},
      {"nul_in_a_header", good + std::string("X-Nul: a\0b\r\n", 12)},
      {"a_header_without_a_colon", good + "nonsense\r\n"},
  };
}

class WrongAnswerTest : public TestOfCase<On<WrongAnswer>> {
 protected:
  std::string Answer() const {
    std::string answer = GetParam().row.head + "\r\n" + GetParam().row.behind;
    const std::size_t at = answer.find("ACCEPT");
    return at == std::string::npos ? answer : answer.replace(at, 6, AcceptFor(relayed_.request));
  }
  void Expect502() {
    const std::string head = relayed_.client.ReadHead();
    EXPECT_THAT(head, StartsWith("HTTP/1.1 502 "));
    relayed_.client.End();
    EXPECT_EQ(relayed_.client.ReadToEnd(), Ending::kEnd);
    EXPECT_THAT(relayed_.client.received(), HasSubstr("the server behind this route"));
    // The server is disconnected at once.
    EXPECT_NE(relayed_.server->ReadToEnd(), Ending::kOpen);
    EXPECT_EQ(relayed_.server->received(), "");
  }

  Relayed relayed_{
      "Sec-WebSocket-Protocol: chat, super\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
      GetParam().path};
};

TEST_EACH(WrongAnswerTest, IsA502) {
  relayed_.server->Send(Answer());
  Expect502();
}

TEST_EACH(WrongAnswerTest, IsA502ByteByByte) {
  SendByteByByte(*relayed_.server, Answer());
  Expect502();
}

INSTANTIATE_CASES_IN(Upstream, WrongAnswerTest, NameOfRow(),
                     OnAll({"/live", "/enforced", "/deflated"}, WrongAnswers()));

// ---- responses with errors that have only one interpretation

std::vector<WrongAnswer> HealedAnswers() {
  return {
      {"no_body", "Content-Length: 0\r\n"},
      {"a_body_of_a_length", "Content-Length: 5\r\n"},
      {"a_chunked_body", "Transfer-Encoding: chunked\r\n"},
      {"two_lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"},
      {"a_length_and_a_coding", "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n"},
      {"no_length", "Content-Length:\r\n"},
      {"an_empty_subprotocol", "Sec-WebSocket-Protocol: \r\n"},
      {"empty_extensions", "Sec-WebSocket-Extensions:\r\n"},
      {"the_same_key_twice", "Sec-WebSocket-Accept: ACCEPT\r\n"},
      {"the_same_protocol_twice", "Upgrade: WebSocket\r\nConnection: upgrade\r\n"},
  };
}

class HealedAnswerTest : public TestOfCase<On<WrongAnswer>> {
 protected:
  std::string Answer() const {
    std::string slip = GetParam().row.head;
    if (const std::size_t at = slip.find("ACCEPT"); at != std::string::npos)
      slip.replace(at, 6, AcceptFor(relayed_.request));
    return relayed_.Accepted() + slip + "\r\n" + FromServer(kText, "early");
  }
  // The bytes after the head are frames, and the head says nothing else.
  void ExpectFrames() {
    const std::string head = relayed_.client.ReadHead();
    EXPECT_THAT(head, StartsWith("HTTP/1.1 101 "));
    for (const char* field : {"\r\nContent-Length", "\r\nTransfer-Encoding",
                              "\r\nSec-WebSocket-Protocol", "\r\nSec-WebSocket-Extensions"})
      EXPECT_THAT(head, Not(HasSubstr(field)));
    // A message that has not ended is in `messages`, too.
    while (ReadServer(relayed_.client.received()).payload.empty())
      ASSERT_TRUE(relayed_.client.Await(relayed_.client.received().size() + 1));
    EXPECT_EQ(ReadServer(relayed_.client.received()).messages[0], (Message{kText, "early"}));
    EXPECT_EQ(ReadServer(relayed_.client.received()).fault, "");
  }

  Relayed relayed_{"", GetParam().path};
};

TEST_EACH(HealedAnswerTest, IsA101) {
  relayed_.server->Send(Answer());
  ExpectFrames();
}

TEST_EACH(HealedAnswerTest, IsA101ByteByByte) {
  SendByteByByte(*relayed_.server, Answer());
  ExpectFrames();
}

INSTANTIATE_CASES_IN(Upstream, HealedAnswerTest, NameOfRow(),
                     OnAll({"/live", "/enforced", "/deflated"}, HealedAnswers()));

TEST(Upstream, AnEndlessHeadIsA502) {
  Relayed relayed;
  relayed.server->Send(relayed.Accepted());
  std::string more;
  for (int i = 0; i < 20000; ++i) more += "X-" + std::to_string(i) + ": more\r\n";
  relayed.server->Send(more);
  EXPECT_THAT(relayed.client.ReadHead(), StartsWith("HTTP/1.1 502 "));
}

TEST(Upstream, AnEndlessLineIsA502) {
  Relayed relayed;
  relayed.server->Send(relayed.Accepted() + "X-Long: " + std::string(300'000, 'x'));
  EXPECT_THAT(relayed.client.ReadHead(), StartsWith("HTTP/1.1 502 "));
}

TEST(Upstream, SilenceIsA504) {
  Relayed relayed("", "/hasty");
  EXPECT_THAT(relayed.client.ReadHead(), StartsWith("HTTP/1.1 504 "));
}

TEST(Upstream, AHeadThatStopsIsA504) {
  Relayed relayed("", "/hasty");
  relayed.server->Send(relayed.Accepted());
  EXPECT_THAT(relayed.client.ReadHead(), StartsWith("HTTP/1.1 504 "));
}

TEST(Upstream, AServerThatGoesIsA502) {
  for (const bool halfway : {false, true}) {
    Relayed relayed;
    if (halfway) relayed.server->Send(relayed.Accepted());
    relayed.server.reset();
    EXPECT_THAT(relayed.client.ReadHead(), StartsWith("HTTP/1.1 502 "));
  }
}

// ---- answers other than 101

struct OtherAnswer {
  const char* name;
  std::string head;  // status and fields that the client must get
  std::string framing;
  std::string wire;  // the body as the server sends it
  std::string body;
};

class OtherAnswerTest : public TestOfCase<On<OtherAnswer>> {
 protected:
  std::string Answer() const {
    return "HTTP/1.1 " + GetParam().row.head + GetParam().row.framing + "\r\n" +
           GetParam().row.wire;
  }
  void ExpectWhole() {
    relayed_.server->End();
    const std::string head = relayed_.client.ReadHead();
    EXPECT_THAT(head, StartsWith("HTTP/1.1 " + GetParam().row.head.substr(0, 4)));
    std::string_view fields = GetParam().row.head;
    fields.remove_prefix(fields.find("\r\n"));
    while (fields.size() > 2) {
      const std::string field(fields.substr(0, fields.find("\r\n", 2)));
      EXPECT_THAT(head, HasSubstr(field + "\r\n"));
      fields.remove_prefix(field.size());
    }
    relayed_.client.End();
    EXPECT_EQ(relayed_.client.ReadToEnd(), Ending::kEnd);
    if (head.find("chunked") == std::string::npos) {
      EXPECT_EQ(relayed_.client.received(), GetParam().row.body);
    } else {
      EXPECT_THAT(relayed_.client.received(), HasSubstr("\r\n" + GetParam().row.body));
      EXPECT_THAT(relayed_.client.received(), EndsWith("\r\n0\r\n\r\n"));
    }
  }
  Relayed relayed_{"", GetParam().path};
};

TEST_EACH(OtherAnswerTest, GoesToTheClientWhole) {
  relayed_.server->Send(Answer());
  ExpectWhole();
}

TEST_EACH(OtherAnswerTest, GoesToTheClientWholeByteByByte) {
  const std::string answer = Answer();
  // Sent at once, the body up to the end would be relayed as a different number of chunks.
  const std::size_t head = answer.size() - GetParam().row.wire.size();
  SendByteByByte(*relayed_.server, std::string_view(answer).substr(0, head));
  relayed_.server->Send(std::string_view(answer).substr(head));
  ExpectWhole();
}

std::vector<OtherAnswer> OtherAnswers() {
  return {
      {"ok", "200 OK\r\nContent-Type: text/html\r\n", "Content-Length: 5\r\n", "hello", "hello"},
      {"unauthorized", "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n",
       "Content-Length: 2\r\n", "no", "no"},
      {"forbidden_in_chunks", "403 Forbidden\r\n", "Transfer-Encoding: chunked\r\n",
       "5\r\nnever\r\n0\r\n\r\n", "never"},
      {"not_found_to_the_end", "404 Not Found\r\n", "Connection: close\r\n", "nothing here",
       "nothing here"},
      {"moved", "301 Moved Permanently\r\nLocation: wss://other.example/\r\n",
       "Content-Length: 0\r\n", "", ""},
      {"another_version", "426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\n",
       "Content-Length: 1\r\n", "8", "8"},
      {"no_content", "204 No Content\r\nX-Reason: none\r\n", "", "", ""},
      {"unavailable", "503 Service Unavailable\r\nRetry-After: 120\r\n", "Content-Length: 4\r\n",
       "busy", "busy"}};
}

INSTANTIATE_CASES_IN(Upstream, OtherAnswerTest, NameOfRow(),
                     OnAll({"/live", "/deflated"}, OtherAnswers()));

// ---- the proper 101

class AcceptedTest : public testing::Test {
 protected:
  // The data exchanged after the 101.
  void ExpectTalk(Relayed& relayed, std::string_view early) {
    TakeAccepted(relayed.client);
    relayed.client.Send(Text("up"));
    EXPECT_TRUE(relayed.server->Await(Text("up").size()));
    EXPECT_EQ(relayed.server->TakeReceived(), Text("up"));
    relayed.server->Send(FromServer(kText, "down") + FromServer(kClose, "\x03\xe8"));
    relayed.server->End();
    EXPECT_EQ(relayed.client.ReadToEnd(), Ending::kEnd);
    EXPECT_EQ(relayed.client.received(),
              std::string(early) + FromServer(kText, "down") + FromServer(kClose, "\x03\xe8"));
  }
};

TEST_F(AcceptedTest, EarlyFramesInTheSameSegmentCutAnywhere) {
  const std::string early = FromServer(kText, "early") + FromServer(kPing, "p") +
                            FromServer(kBinary, std::string(300, 'b'));
  const std::size_t size = Relayed().Accepted().size() + 2 + early.size();
  for (std::size_t cut = 1; cut <= size; ++cut) {
    SCOPED_TRACE(cut);
    Relayed relayed;
    const std::string all = relayed.Accepted() + "\r\n" + early;
    relayed.server->Send(all.substr(0, cut));
    relayed.server->WaitUntilRead();
    relayed.server->Send(all.substr(cut));
    ExpectTalk(relayed, early);
  }
}

TEST_F(AcceptedTest, ByteByByte) {
  Relayed relayed;
  const std::string early = FromServer(kText, "early");
  SendByteByByte(*relayed.server, relayed.Accepted() + "X-Slow: yes\r\n\r\n" + early);
  ExpectTalk(relayed, early);
}

TEST_F(AcceptedTest, HeadersInOtherWords) {
  for (const std::string_view fields :
       {"upgrade: WebSocket\r\nCONNECTION: keep-alive, UPGRADE\r\n",
        "Upgrade:websocket\r\nConnection:upgrade\r\nConnection: x\r\n",
        "Upgrade:  websocket \t\r\nConnection: Upgrade\r\nDate: now\r\nServer: x\r\n"}) {
    Relayed relayed;
    relayed.server->Send("HTTP/1.1 101 Sure\r\n" + std::string(fields) +
                         "sec-websocket-accept: " + AcceptFor(relayed.request) + "\r\n\r\n");
    ExpectTalk(relayed, "");
  }
}

// Many WebSocket clients take the first head for the answer, so the gateway drops interim ones.
TEST_F(AcceptedTest, InterimAnswersBeforeIt) {
  Relayed relayed;
  relayed.server->Send(
      "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
      relayed.Accepted() + "\r\n");
  ExpectTalk(relayed, "");
}

TEST_F(AcceptedTest, ItsChoicesGoToTheClient) {
  Relayed relayed(
      "Sec-WebSocket-Protocol: chat, super\r\nSec-WebSocket-Extensions: permessage-deflate; "
      "client_max_window_bits\r\n");
  EXPECT_THAT(relayed.request, HasSubstr("Sec-WebSocket-Protocol: chat, super\r\n"));
  EXPECT_THAT(
      relayed.request,
      HasSubstr("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
  relayed.server->Send(
      relayed.Accepted() +
      "Sec-WebSocket-Protocol: super\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
  const std::string head = TakeAccepted(relayed.client);
  EXPECT_THAT(head, HasSubstr("\r\nSec-WebSocket-Protocol: super\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"));
}

// ---- frames of a server that breaks the rules

struct WrongFrame {
  std::string name;
  std::string frame;
  unsigned server_gets;
};

class WrongFrameTest : public TestOfCase<On<WrongFrame>> {
 protected:
  void SetUp() override {
    const bool deflates = GetParam().path == "/deflated";
    relayed_.server->Send(relayed_.Accepted() + (deflates ? kFresh : "") + "\r\n");
    TakeAccepted(relayed_.client);
  }
  // The server gets a masked Close with the code of the violated rule, and the client one that
  // blames the server.
  void ExpectTwoCloses() {
    // An endpoint waits for the answer, a relay of frames does not.
    const unsigned code = GetParam().row.server_gets == 1009 ? 1009 : 1011;
    if (GetParam().path != "/live") AnswerClose(relayed_.client, code);
    EXPECT_EQ(relayed_.client.ReadToEnd(), Ending::kEnd);
    const Received got = ReadServer(relayed_.client.received());
    EXPECT_EQ(got.fault, "");
    ASSERT_FALSE(got.messages.empty());
    EXPECT_EQ(got.messages[0], (Message{kText, "good"}));
    EXPECT_LE(got.messages.size(), 2u) << "one may have begun, but is incomplete";
    EXPECT_TRUE(got.closed);
    EXPECT_EQ(got.close_code, code);
    EXPECT_NE(got.close_reason, "");
    EXPECT_NE(relayed_.server->ReadToEnd(), Ending::kOpen);
    Reference server;
    server.Take(relayed_.server->received());
    EXPECT_TRUE(server.closed());
    EXPECT_EQ(server.close_code(), GetParam().row.server_gets);
  }

  static constexpr const char* kFresh =
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
      "client_no_context_takeover\r\n";
  Relayed relayed_{"", GetParam().path};
};

TEST_EACH(WrongFrameTest, EndsTheSession) {
  relayed_.server->Send(FromServer(kText, "good") + GetParam().row.frame);
  ExpectTwoCloses();
}

TEST_EACH(WrongFrameTest, EndsTheSessionByteByByte) {
  SendByteByByte(*relayed_.server, FromServer(kText, "good") + GetParam().row.frame.substr(0, 64));
  relayed_.server->Send(std::string_view(GetParam().row.frame)
                            .substr(std::min<std::size_t>(64, GetParam().row.frame.size())));
  ExpectTwoCloses();
}

// Checked by every relay.
std::vector<WrongFrame> WrongFrames() {
  Frame unfinished;
  unfinished.masked = false;
  const auto claim = [&](unsigned opcode, std::uint64_t length) {
    Frame frame = unfinished;
    frame.opcode = opcode;
    return EncodeHeader(frame, length);
  };
  return {
      {"masked_text", Text("masked"), 1002},
      {"masked_empty_text", Text(""), 1002},
      {"masked_binary", Binary(std::string(200, 'x')), 1002},
      {"masked_ping", Ping("p"), 1002},
      {"masked_close", Close(1000), 1002},
      {"ping_too_long", FromServer(kPing, std::string(126, 'p')), 1002},
      {"close_too_long", FromServer(kClose, "\x03\xe8" + std::string(124, 'r')), 1002},
      {"length_with_top_bit", claim(kBinary, ~std::uint64_t{0}) + "x", 1002},
      {"text_too_big", FromServer(kText, std::string(1001, 'x')), 1009},
      {"fragments_too_big",
       FromServer(kText, "", false) + FromServer(kContinuation, std::string(1001, 'x')), 1009},
      {"claims_the_largest", claim(kBinary, ~std::uint64_t{0} >> 1) + "x", 1009},
  };
}

// Checked only by an endpoint.
std::vector<WrongFrame> WrongMessages() {
  const auto with_bits = [](unsigned opcode, unsigned rsv, std::string_view payload) {
    return FromServer(opcode, payload, true, rsv);
  };
  const auto close = [](std::string_view body) { return FromServer(kClose, body); };
  std::vector<WrongFrame> all{
      {"text_not_utf8", FromServer(kText, "caf\xe9!"), 1007},
      {"text_cut_in_a_character", FromServer(kText, "caf\xc3"), 1007},
      {"surrogate_across_fragments",
       FromServer(kText, "\xed", false) + FromServer(kContinuation, "\xa0\x80"), 1007},
      {"continuation_of_nothing", FromServer(kContinuation, "x"), 1002},
      {"message_inside_a_message", FromServer(kText, "", false) + FromServer(kText, "x"), 1002},
      {"ping_in_fragments", FromServer(kPing, "p", false), 1002},
      {"close_of_one_byte", close("\x03"), 1002},
      {"close_not_utf8", close("\x03\xe8\xff"), 1007},
      {"close_of_999", close("\x03\xe7"), 1002},
      {"close_of_1005", close("\x03\xed"), 1002},
      {"close_of_1006", close("\x03\xee"), 1002},
      {"close_of_1015", close("\x03\xf7"), 1002},
      {"close_of_5000", close("\x13\x88"), 1002},
      {"second_bit", with_bits(kText, 2, "x"), 1002},
      {"third_bit", with_bits(kBinary, 1, "x"), 1002},
      {"bit_on_a_ping", with_bits(kPing, 4, "x"), 1002},
      {"bit_on_a_continuation", FromServer(kText, "", false) + with_bits(kContinuation, 4, "x"),
       1002},
      {"length_in_two_bytes_too_many", {"\x82\x7e\x00\x01x", 5}, 1002},
      {"length_in_eight_bytes_too_many", {"\x82\x7f\x00\x00\x00\x00\x00\x00\x01\x00x", 11}, 1002},
  };
  for (const unsigned opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    all.push_back({"opcode_" + std::to_string(opcode), FromServer(opcode, "x"), 1002});
  return all;
}

// Errors in compressed messages, for a server that was offered compression.
std::vector<WrongFrame> WrongDeflateData() {
  Deflater deflater(15, false);
  const auto compressed = [&](unsigned opcode, std::string_view payload, bool fin = true) {
    Frame frame;
    frame.opcode = opcode;
    frame.payload = payload;
    frame.fin = fin;
    frame.rsv = opcode == kContinuation ? 0 : 4;
    frame.masked = false;
    return Encode(frame);
  };
  const std::string hello = deflater.Deflate("Hello Hello");
  return {
      {"no_such_block", compressed(kText, "\x07\x07\x07"), 1007},
      {"deflated_half", compressed(kText, deflater.Deflate("nothing twice").substr(0, 4)), 1007},
      {"stored_with_a_wrong_length", compressed(kBinary, {"\x00\x05\x00\xfa\xfe", 5}), 1007},
      {"refers_back_to_nothing", compressed(kText, {"\xf2\x00\x11\x00\x00", 5}), 1007},
      {"inflates_to_no_utf8", compressed(kText, deflater.Deflate("\xed\xa0\x80")), 1007},
      {"inflates_to_too_much", compressed(kBinary, deflater.Deflate(std::string(1001, 'x'))), 1009},
      {"a_bomb", compressed(kBinary, deflater.Deflate(std::string(4 << 20, '\0')), false), 1009},
      {"bit_in_the_second_fragment",
       compressed(kText, hello.substr(0, 3), false) + compressed(kText, hello.substr(3)), 1002},
  };
}

INSTANTIATE_CASES_IN(AllRelays, WrongFrameTest, NameOfRow(),
                     OnAll({"/live", "/enforced", "/deflated"}, WrongFrames()));
INSTANTIATE_CASES_IN(Ends, WrongFrameTest, NameOfRow(),
                     OnAll({"/enforced", "/deflated"}, WrongMessages()));
INSTANTIATE_CASES_IN(Inflating, WrongFrameTest, NameOfRow(),
                     OnAll({"/deflated"}, WrongDeflateData()));

TEST(WrongFrame, OneThatIsCompressedWithoutAnAgreement) {
  for (const char* path : {"/enforced", "/deflated"}) {
    Relayed relayed("", path);
    relayed.server->Send(relayed.Accepted() + "\r\n");
    TakeAccepted(relayed.client);
    relayed.server->Send(std::string("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9));
    AnswerClose(relayed.client, 1011);
    EXPECT_EQ(relayed.client.ReadToEnd(), Ending::kEnd);
    EXPECT_EQ(ReadServer(relayed.client.received()).close_code, 1011u);
    EXPECT_NE(relayed.server->ReadToEnd(), Ending::kOpen);
    Reference server;
    server.Take(relayed.server->received());
    EXPECT_EQ(server.close_code(), 1002u);
  }
}

}  // namespace
}  // namespace upgate::conformance::upstream_test
