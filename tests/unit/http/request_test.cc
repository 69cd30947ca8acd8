// Parsing of requests: heads, bodies, pipelining. Every transcript at several chunk sizes.

#include <string>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/http/wire.h"

namespace upgate::http {
namespace {

class RequestTest : public TestOfCase<std::size_t> {
 protected:
  HttpWire wire{GetParam()};
};
INSTANTIATE_CASES(BytesPerRead, RequestTest, 1, 2, 3, 7, 4096);

void Ok(Seen& seen, Exchange& exchange) {
  exchange.Respond({.status = 200, .reason = {}, .headers = {}, .body = seen.request.target.path});
}

TEST_EACH(RequestTest, TheHandshakeThisGatewayIsKnownBy) {
  wire.Send(
      "GET ws://echo.websocket.org/?encoding=text HTTP/1.1\r\n"
      "Origin: http://websocket.org\r\n"
      "Cookie: __utma=99as\r\n"
      "Connection: Upgrade\r\n"
      "Host: echo.websocket.org\r\n"
      "Sec-WebSocket-Key: uRovscZjNol/umbTt5uKmw==\r\n"
      "Upgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n");
  ASSERT_EQ(wire.requests(), 1u);
  const Request& request = wire.seen(0).request;
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.version, Version::kHttp11);
  EXPECT_EQ(request.target.scheme, "ws");
  EXPECT_EQ(request.target.host, "echo.websocket.org");
  EXPECT_EQ(request.target.port, 0);
  EXPECT_EQ(request.target.path, "/");
  EXPECT_EQ(QueryValue(request.target.query, "encoding"), "text");
  EXPECT_EQ(request.headers.size(), 7u);
  EXPECT_EQ(request.headers.begin()->name, "Origin");
  EXPECT_EQ(*request.headers.Find("sec-websocket-key"), "uRovscZjNol/umbTt5uKmw==");
  EXPECT_FALSE(request.has_body);
  EXPECT_TRUE(request.UpgradesTo("WebSocket"));
  EXPECT_FALSE(request.UpgradesTo("h2c"));
  EXPECT_TRUE(wire.seen(0).ended);
  EXPECT_EQ(ToString(wire.seen(0).exchange->client_address()), "192.0.2.7:4242");
}

// draft-hixie-thewebsocketprotocol-76, section 1.3.
constexpr std::string_view kTwoKeys =
    "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nSec-WebSocket-Key2: 12998 5 "
    "Y3 1  .P00\r\n"
    "Sec-WebSocket-Protocol: sample\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l "
    "1 5\r\n"
    "Origin: http://example.com\r\n\r\n";

TEST_EACH(RequestTest, WithTwoKeysTheEightBytesAfterTheHeadBelongToIt) {
  wire.Send(kTwoKeys);
  EXPECT_EQ(wire.requests(), 0u);
  wire.Send("^n:ds[4");
  EXPECT_EQ(wire.requests(), 0u);
  wire.Send(std::string("U\0early", 7));
  ASSERT_EQ(wire.requests(), 1u);
  const Request& request = wire.seen(0).request;
  EXPECT_EQ(*request.headers.Find("sec-websocket-key1"), "4 @1  46546xW%0l 1 5");
  EXPECT_FALSE(request.has_body);
  ASSERT_TRUE(request.key3);
  EXPECT_EQ(AsText(*request.key3), "^n:ds[4U");
  wire.upgraded = wire.seen(0).exchange->Upgrade({101, "Yes", {{"A", "b"}}, "8jKS'y:G*Co,Wxa-"});
  wire.Run();
  EXPECT_EQ(wire.received(), "HTTP/1.1 101 Yes\r\nA: b\r\n\r\n8jKS'y:G*Co,Wxa-");
  EXPECT_EQ(wire.upgraded->early, std::string("\0early", 6));
}

TEST_EACH(RequestTest, TheEightBytesMayCarryAnything) {
  const std::string bytes("GET\r\n\r\n\0", 8);
  wire.Send(std::string(kTwoKeys) + bytes);
  ASSERT_EQ(wire.requests(), 1u);
  EXPECT_EQ(AsText(*wire.seen(0).request.key3), bytes);
}

TEST_EACH(RequestTest, EightBytesThatNeverComeAreAHeadThatTakesTooLong) {
  wire.Send(std::string(kTwoKeys) + "^n:ds[4");
  wire.Advance(std::chrono::minutes(1));
  EXPECT_EQ(wire.requests(), 0u);
  EXPECT_EQ(wire.answers(), std::vector{408});
}

TEST_EACH(RequestTest, AClientThatLeavesBeforeTheEightBytesLeftWithinAHead) {
  wire.Send(kTwoKeys);
  wire.Fin();
  EXPECT_EQ(wire.requests(), 0u);
  EXPECT_EQ(wire.errors().size(), 1u);
}

TEST_EACH(RequestTest, NoOtherRequestHasBytesAfterItsHead) {
  const auto without = [&](std::string_view what, std::string_view instead) {
    std::string text(kTwoKeys);
    return text.replace(text.find(what), what.size(), instead);
  };
  for (const std::string& text :
       {without("Key1", "Key"), without("Key2", "Key1"), without("GET", "POST"),
        without("WebSocket\r", "h2c\r"), without("Connection: Upgrade", "Connection: close"),
        without("HTTP/1.1", "HTTP/1.0"),
        without("Origin: http://example.com", "Sec-WebSocket-Version: 13")}) {
    HttpWire other{GetParam()};
    other.Send(text);
    ASSERT_EQ(other.requests(), 1u) << text;
    EXPECT_FALSE(other.seen(0).request.key3);
  }
}

TEST_EACH(RequestTest, ValuesAreTrimmedAndMayBeEmpty) {
  wire.Send("GET / HTTP/1.1\r\nHost:a\r\nA: \t b c \t\r\nB:\r\nC:  \r\nD: \xc3\xa9\r\n\r\n");
  ASSERT_EQ(wire.requests(), 1u);
  const Headers& headers = wire.seen(0).request.headers;
  ASSERT_EQ(headers.size(), 5u);
  EXPECT_EQ(*headers.Find("a"), "b c");
  EXPECT_EQ(*headers.Find("b"), "");
  EXPECT_EQ(*headers.Find("c"), "");
  EXPECT_EQ(*headers.Find("d"), "\xc3\xa9");
}

TEST_EACH(RequestTest, PipelinedRequestsAreAnsweredInOrder) {
  wire.on_request = Ok;
  wire.Send(
      "\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
      "\r\n\r\nPOST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
      "GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
      "GET /5 HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string text = wire.received();
  for (const char* path : {"/1", "/2", "/3", "/4"}) EXPECT_EQ(TakeAnswer(text).body, path);
  EXPECT_EQ(text, "");
  EXPECT_EQ(wire.requests(), 4u);
  EXPECT_TRUE(wire.wire().server_fin);
}

TEST_EACH(RequestTest, OneRequestAtATimeIsWithTheHandler) {
  wire.Send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(wire.requests(), 1u);
  EXPECT_EQ(wire.received(), "");
  wire.seen(0).exchange->Respond(TextResponse(200, "one"));
  wire.Run();
  EXPECT_TRUE(wire.seen(0).destroyed);
  ASSERT_EQ(wire.requests(), 2u);
  wire.seen(1).exchange->Respond(TextResponse(200, "two"));
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).body, "one\n");
  EXPECT_EQ(TakeAnswer(text).body, "two\n");
}

TEST_EACH(RequestTest, BodyWithLength) {
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
  ASSERT_EQ(wire.requests(), 1u);
  EXPECT_TRUE(wire.seen(0).request.has_body);
  EXPECT_EQ(wire.seen(0).body, "01234");
  EXPECT_FALSE(wire.seen(0).ended);
  wire.Send("56789");
  EXPECT_EQ(wire.seen(0).body, "0123456789");
  EXPECT_TRUE(wire.seen(0).ended);
}

TEST_EACH(RequestTest, ChunkedBodyWithExtensionsAndTrailers) {
  wire.Send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n"
      "0006;a;b=c;d=\"e;\\\"f\"\r\n world\r\n"
      "A\r\n\r\n0\r\n\r\n\r\n0\r\n"
      "000;last\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n");
  ASSERT_EQ(wire.requests(), 1u);
  EXPECT_EQ(wire.seen(0).body, "hello world\r\n0\r\n\r\n\r\n0");
  EXPECT_TRUE(wire.seen(0).ended);
  EXPECT_EQ(wire.seen(0).trailers.Joined("x-sum"), "1");
  EXPECT_EQ(wire.seen(0).trailers.size(), 2u);
}

TEST_EACH(RequestTest, EmptyBodies) {
  wire.on_request = Ok;
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  wire.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(wire.requests(), 3u);
  EXPECT_FALSE(wire.seen(0).request.has_body);
  EXPECT_TRUE(wire.seen(1).request.has_body);
}

TEST_EACH(RequestTest, BodyReadingStopsAndStarts) {
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.SetBodyReading(false); };
  wire.on_body = [](Seen&, Exchange& exchange) { exchange.SetBodyReading(false); };
  wire.Send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  EXPECT_EQ(wire.seen(0).body, "");
  EXPECT_FALSE(wire.reading());
  wire.seen(0).exchange->SetBodyReading(true);
  wire.Run();
  EXPECT_EQ(wire.seen(0).body, "a");
  EXPECT_FALSE(wire.reading());
  wire.seen(0).exchange->SetBodyReading(true);
  wire.Run();
  EXPECT_EQ(wire.seen(0).body, "ab");
  EXPECT_FALSE(wire.seen(0).ended);
  wire.seen(0).exchange->SetBodyReading(true);
  wire.Run();
  EXPECT_TRUE(wire.seen(0).ended);
}

TEST_EACH(RequestTest, EndWithoutBodyComesEvenWhileBodyReadingIsOff) {
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.SetBodyReading(false); };
  wire.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(wire.seen(0).ended);
}

TEST_EACH(RequestTest, ContinueIsSentWhenTheBodyIsWanted) {
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.SetBodyReading(false); };
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(wire.received(), "");
  wire.seen(0).exchange->SetBodyReading(true);
  wire.seen(0).exchange->SetBodyReading(false);
  wire.seen(0).exchange->SetBodyReading(true);
  EXPECT_EQ(wire.TakeReceived(), "HTTP/1.1 100 Continue\r\n\r\n");
  wire.Send("body");
  EXPECT_TRUE(wire.seen(0).ended);
  wire.seen(0).exchange->Respond(TextResponse(200, "thanks"));
  std::string text = wire.received();
  EXPECT_FALSE(TakeAnswer(text).headers.HasToken("connection", "close"));
}

TEST_EACH(RequestTest, ContinueOfTheHandlerCounts) {
  wire.on_request = [](Seen&, Exchange& exchange) {
    exchange.SendHead({.status = 100, .reason = {}, .headers = {}, .body = {}}, {});
  };
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(wire.received(), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_EACH(RequestTest, AFinalAnswerInsteadOfContinueClosesTheConnection) {
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.Respond(TextResponse(413, "no")); };
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  std::string text = wire.received();
  const Answer answer = TakeAnswer(text);
  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(answer.headers.HasToken("connection", "close"));
  EXPECT_EQ(text, "");
  EXPECT_TRUE(wire.wire().server_fin);
}

TEST_EACH(RequestTest, Http10) {
  wire.on_request = Ok;
  wire.Send("GET /1 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  std::string text = wire.TakeReceived();
  Answer answer = TakeAnswer(text);
  EXPECT_TRUE(answer.headers.HasToken("connection", "keep-alive"));
  EXPECT_EQ(wire.seen(0).request.version, Version::kHttp10);
  EXPECT_EQ(wire.seen(0).request.target.host, "");
  wire.Send("GET /2 HTTP/1.0\r\nExpect: 100-continue\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n");
  EXPECT_FALSE(wire.seen(1).request.wants_upgrade);
  text = wire.received();
  answer = TakeAnswer(text);
  EXPECT_EQ(answer.body, "/2");
  EXPECT_TRUE(answer.headers.HasToken("connection", "close"));
  EXPECT_TRUE(wire.wire().server_fin);
}

TEST_EACH(RequestTest, NamesWithUnderscoresAreLeftOut) {
  const std::string_view request =
      "POST / HTTP/1.1\r\nHost: a\r\nX_Real_IP: 1\r\nA-B: 2\r\n_: 3\r\nTransfer-Encoding: "
      "chunked\r\n\r\n"
      "0\r\nT_T: 4\r\nT-T: 5\r\n\r\n";
  wire.Send(request);
  EXPECT_EQ(wire.seen(0).request.headers.size(), 3u);
  EXPECT_EQ(wire.seen(0).request.headers.Find("X_Real_IP"), nullptr);
  EXPECT_NE(wire.seen(0).request.headers.Find("A-B"), nullptr);
  EXPECT_EQ(wire.seen(0).trailers.size(), 1u);
  ServerOptions options;
  options.limits.underscores = true;
  HttpWire passes(GetParam(), options);
  passes.Send(request);
  EXPECT_EQ(passes.seen(0).request.headers.size(), 5u);
  EXPECT_EQ(passes.seen(0).trailers.size(), 2u);
}

// A framing field with an underscore frames nothing, whether it is dropped or not.
TEST_EACH(RequestTest, NamesWithUnderscoresDoNotFrame) {
  wire.on_end = Ok;
  wire.Send(
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent_Length: 40\r\nTransfer_Encoding: "
      "chunked\r\nContent-Length: "
      "4\r\n\r\nbodyGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(wire.requests(), 2u);
  EXPECT_EQ(wire.seen(0).body, "body");
}

TEST_EACH(RequestTest, AnUpgradeWithABodyIsAnOrdinaryRequest) {
  wire.Send(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: "
      "4\r\n\r\nbody"
      "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_FALSE(wire.seen(0).request.wants_upgrade);
  EXPECT_EQ(wire.seen(0).body, "body");
  wire.seen(0).exchange->Respond(TextResponse(200, "one"));
  wire.Run();
  EXPECT_EQ(wire.requests(), 2u);
}

TEST_EACH(RequestTest, UnreadBodyIsDiscardedAndTheConnectionGoesOn) {
  wire.on_request = Ok;
  wire.Send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  std::string text = wire.TakeReceived();
  EXPECT_FALSE(TakeAnswer(text).headers.HasToken("connection", "close"));
  wire.Send(std::string(1000, 'x') + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  text = wire.received();
  EXPECT_EQ(TakeAnswer(text).body, "/2");
  EXPECT_EQ(wire.seen(0).body, "");
}

TEST_EACH(RequestTest, TooLongAnUnreadBodyClosesTheConnection) {
  wire.on_request = Ok;
  wire.Send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 262145\r\n\r\n");
  std::string text = wire.received();
  EXPECT_TRUE(TakeAnswer(text).headers.HasToken("connection", "close"));
  EXPECT_TRUE(wire.wire().server_fin);
}

TEST(RequestBufferTest, UnreadChunkedBodyIsBounded) {
  HttpWire wire;
  wire.on_request = Ok;
  wire.Send("POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 256; ++i) wire.Send("400\r\n" + std::string(1024, 'x') + "\r\n");
  EXPECT_FALSE(wire.wire().server_fin);
  wire.Send("1\r\nx\r\n");
  EXPECT_TRUE(wire.wire().server_fin);
}

TEST(RequestBufferTest, PipelinedBytesAreBounded) {
  HttpWire wire(io::kReadBufferSize);
  std::string many;
  while (many.size() < 1 << 20) many += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  wire.Send(many);
  EXPECT_FALSE(wire.reading());
  EXPECT_LE(wire.wire().inbound_read, 3u * 64 * 1024);
  // The rest is parsed as responses are sent, without recursion or loss.
  const std::size_t total = many.size() / 27;
  wire.on_request = Ok;
  wire.seen(0).exchange->Respond({});
  wire.Run();
  EXPECT_EQ(wire.requests(), total);
  EXPECT_EQ(wire.answers().size(), total);
}

TEST(RequestBufferTest, PipeliningStopsForAClientThatDoesNotRead) {
  HttpWire wire;
  wire.wire().room = 0;
  wire.on_request = [](Seen&, Exchange& exchange) {
    exchange.Respond(
        {.status = 200, .reason = {}, .headers = {}, .body = std::string(100'000, 'x')});
  };
  std::string many;
  for (int i = 0; i < 10; ++i) many += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  wire.Send(many);
  EXPECT_EQ(wire.requests(), 3u);
  wire.Take(250'000);
  EXPECT_LT(wire.requests(), 10u);
  wire.Take(std::string::npos);
  EXPECT_EQ(wire.requests(), 10u);
}

}  // namespace
}  // namespace upgate::http
