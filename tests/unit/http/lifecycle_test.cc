// The end of connections: upgrades, aborts, timeouts, clients that leave, drains, failing writes.

#include <string>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/http/wire.h"

namespace upgate::http::lifecycle_test {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kPost = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
constexpr std::string_view kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

void Ok(Seen&, Exchange& exchange) {
  exchange.Respond({});
}

Response SwitchingProtocols() {
  return {101,
          "WebSocket Protocol Handshake",
          {{"Upgrade", "WebSocket"}, {"Connection", "Upgrade"}},
          ""};
}
constexpr std::string_view kSwitched =
    "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: "
    "Upgrade\r\n\r\n";

class UpgradeTest : public TestOfCase<std::size_t> {
 protected:
  HttpWire wire{GetParam()};
};
INSTANTIATE_CASES(BytesPerRead, UpgradeTest, 1, 2, 3, 7, 4096);

TEST_EACH(UpgradeTest, HandsOverTheStreamAndEarlyData) {
  wire.Send(std::string(kUpgrade) + "GET /frames HTTP/1.1\r\n\r\n");
  ASSERT_EQ(wire.requests(), 1u);
  EXPECT_FALSE(wire.done());
  wire.upgraded = wire.seen(0).exchange->Upgrade(SwitchingProtocols());
  wire.Run();
  EXPECT_TRUE(wire.done());
  EXPECT_TRUE(wire.seen(0).destroyed);
  EXPECT_EQ(wire.received(), kSwitched);
  EXPECT_EQ(wire.upgraded->early, "GET /frames HTTP/1.1\r\n\r\n");
  ASSERT_NE(wire.upgraded->stream, nullptr);
  EXPECT_FALSE(wire.reading());
  EXPECT_FALSE(wire.wire().closed);
  EXPECT_EQ(wire.answers(), std::vector{101});
}

TEST_EACH(UpgradeTest, AtOnce) {
  wire.on_request = [&](Seen&, Exchange& exchange) {
    wire.upgraded = exchange.Upgrade(SwitchingProtocols());
  };
  wire.Send(std::string(kUpgrade) + "early");
  EXPECT_TRUE(wire.done());
  const std::string unread = wire.wire().inbound.substr(wire.wire().inbound_read);
  EXPECT_EQ(wire.upgraded->early + unread, "early");
}

// RFC 9110, section 7.8.
TEST_EACH(UpgradeTest, AnIgnoredOneChangesNothing) {
  for (const std::string_view upgrade :
       {"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: upgrade\r\nUpgrade: TLS/1.2, h2c\r\n", "Connection: upgrade\r\nUpgrade:\r\n",
        "Connection: upgrade\r\nUpgrade: websocket2\r\n", "Connection: upgrade\r\n",
        "Upgrade: websocket\r\n", "Connection: upgrade\r\nUpgrade: websocket\r\n"}) {
    SCOPED_TRACE(upgrade);
    HttpWire client(GetParam());
    client.on_end = [](Seen& seen, Exchange& exchange) {
      exchange.IgnoreUpgrade();
      EXPECT_FALSE(exchange.request().wants_upgrade);
      exchange.Respond(TextResponse(200, seen.request.target.path));
    };
    client.Send("GET /1 HTTP/1.1\r\nHost: a\r\n" + std::string(upgrade) +
                "\r\nPOST /2 HTTP/1.1\r\nHost: a\r\n" + std::string(upgrade) +
                "Content-Length: 4\r\n\r\nbodyGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.answers(), (std::vector{200, 200, 200}));
    std::string text = client.TakeReceived();
    for (const char* path : {"/1\n", "/2\n", "/3\n"}) {
      const Answer answer = TakeAnswer(text);
      EXPECT_EQ(answer.body, path);
      EXPECT_FALSE(answer.headers.HasToken("connection", "close"));
    }
    EXPECT_FALSE(client.wire().server_fin);
    client.Fin();
    EXPECT_TRUE(client.done());
  }
}

TEST_EACH(UpgradeTest, ConnectionsStayWhereItIsForAnotherProtocol) {
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.Respond(TextResponse(200, "ok")); };
  wire.Send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAMAAABk\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_FALSE(wire.seen(0).request.wants_upgrade);
  EXPECT_EQ(wire.answers(), (std::vector{200, 200}));
}

// A client that ends its side still gets the response to an ordinary request.
TEST_EACH(UpgradeTest, AnIgnoredOneIsAnsweredAfterTheClientsFin) {
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.IgnoreUpgrade(); };
  wire.Send(kUpgrade);
  wire.Fin();
  ASSERT_FALSE(wire.seen(0).destroyed);
  wire.seen(0).exchange->Respond(TextResponse(200, "ok"));
  wire.Run();
  EXPECT_EQ(wire.answers(), std::vector{200});
}

TEST_EACH(UpgradeTest, RefusedUpgradeNeverReadsOn) {
  wire.Send(std::string(kUpgrade) + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  wire.seen(0).exchange->Respond(TextResponse(403, "no"));
  wire.Send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string text = wire.received();
  const Answer answer = TakeAnswer(text);
  EXPECT_EQ(answer.status, 403);
  EXPECT_TRUE(answer.headers.HasToken("connection", "close"));
  EXPECT_EQ(text, "");
  EXPECT_EQ(wire.requests(), 1u);
  EXPECT_TRUE(wire.wire().server_fin);
}

TEST(UpgradeTest, EarlyBytesAreBounded) {
  HttpWire wire;
  wire.Send(std::string(kUpgrade) + std::string(1 << 20, 'x'));
  EXPECT_FALSE(wire.reading());
  const std::string unread = wire.wire().inbound.substr(wire.wire().inbound_read);
  wire.upgraded = wire.seen(0).exchange->Upgrade(SwitchingProtocols());
  EXPECT_LE(wire.upgraded->early.size(), 128u * 1024);
  EXPECT_EQ(wire.upgraded->early.size() + unread.size(), 1u << 20);
}

TEST(UpgradeTest, HeadersThatCannotBeSentAreLeftOut) {
  HttpWire wire;
  wire.on_request = [&](Seen&, Exchange& exchange) {
    Response response = SwitchingProtocols();
    response.headers.Add("X", "a\r\nb");
    exchange.SetAnswerHeaders({{"Vary", "Origin"}});
    wire.upgraded = exchange.Upgrade(response);
  };
  wire.Send(kUpgrade);
  EXPECT_EQ(wire.received(), kSwitched);
}

TEST(UpgradeTest, OfARequestWithABodyIsAnAbort) {
  HttpWire wire;
  wire.on_request = [&](Seen&, Exchange& exchange) {
    EXPECT_EQ(exchange.Upgrade(SwitchingProtocols()).stream, nullptr);
  };
  wire.Send(kPost);
  EXPECT_TRUE(wire.wire().reset);
  EXPECT_EQ(wire.received(), "");
}

TEST(UpgradeTest, ClientThatShutsDownWhileItWaitsIsGone) {
  HttpWire wire;
  wire.Send(kUpgrade);
  wire.Fin();
  EXPECT_TRUE(wire.done());
  EXPECT_TRUE(wire.seen(0).destroyed);
}

TEST(AbortTest, AnywhereBreaksTheConnectionOff) {
  const auto abort = [](Seen&, Exchange& exchange) { exchange.Abort(); };
  for (HttpWire::Hook HttpWire::* where :
       {&HttpWire::on_request, &HttpWire::on_body, &HttpWire::on_end}) {
    HttpWire wire;
    wire.*where = abort;
    wire.Send(std::string(kPost) + "body" + std::string(kGet));
    EXPECT_TRUE(wire.done());
    EXPECT_TRUE(wire.wire().reset);
    EXPECT_TRUE(wire.wire().closed);
    EXPECT_EQ(wire.requests(), 1u);
    EXPECT_TRUE(wire.seen(0).destroyed);
    EXPECT_TRUE(wire.errors().empty());
  }
}

TEST(ReentrancyTest, RespondAnywhere) {
  for (HttpWire::Hook HttpWire::* where :
       {&HttpWire::on_request, &HttpWire::on_body, &HttpWire::on_end}) {
    for (const std::size_t chunk : {1u, 7u, 4096u}) {
      HttpWire wire(chunk);
      wire.*where = Ok;
      wire.Send(std::string(kPost) + "body" + std::string(kPost) + "body");
      EXPECT_EQ(wire.requests(), 2u);
      EXPECT_EQ(wire.answers(), (std::vector{200, 200}));
      EXPECT_TRUE(wire.seen(1).destroyed);
      EXPECT_FALSE(wire.done());
    }
  }
}

TEST(ReentrancyTest, DrainAnywhere) {
  for (HttpWire::Hook HttpWire::* where :
       {&HttpWire::on_request, &HttpWire::on_body, &HttpWire::on_end}) {
    HttpWire wire;
    int drains = 0;
    wire.*where = [&](Seen&, Exchange& exchange) {
      if (drains++ == 0) wire.Drain();
      exchange.Respond({});
    };
    wire.Send(std::string(kPost) + "body" + std::string(kGet));
    std::string text = wire.received();
    EXPECT_TRUE(TakeAnswer(text).headers.HasToken("connection", "close"));
    EXPECT_EQ(text, "");
    EXPECT_EQ(wire.requests(), 1u);
    EXPECT_TRUE(wire.wire().server_fin);
  }
}

TEST(TimeoutTest, IdleBeforeTheFirstRequestEndsWithoutAResponse) {
  HttpWire wire;
  wire.Advance(59'999ms);
  EXPECT_FALSE(wire.done());
  wire.Advance(1ms);
  EXPECT_TRUE(wire.done());
  EXPECT_EQ(wire.received(), "");
  EXPECT_TRUE(wire.errors().empty());
}

TEST(TimeoutTest, IdleBetweenRequests) {
  HttpWire wire;
  wire.on_request = Ok;
  wire.Advance(50s);
  wire.Send(kGet);
  wire.Advance(59s);
  wire.Send(kGet);
  wire.Advance(59s);
  EXPECT_FALSE(wire.done());
  wire.Advance(1s);
  EXPECT_TRUE(wire.done());
}

TEST(TimeoutTest, HeadIsTimedFromItsFirstByte) {
  HttpWire wire;
  for (int i = 0; i < 9; ++i) {
    wire.Send(kGet.substr(static_cast<std::size_t>(i), 1));
    wire.Advance(1s);
  }
  EXPECT_EQ(wire.received(), "");
  wire.Advance(1s);
  std::string text = wire.received();
  const Answer answer = TakeAnswer(text);
  EXPECT_EQ(answer.status, 408);
  EXPECT_TRUE(answer.headers.HasToken("connection", "close"));
  EXPECT_TRUE(wire.wire().server_fin);
  EXPECT_EQ(wire.answers(), std::vector{408});
}

TEST(TimeoutTest, BodyIsTimedBetweenReads) {
  ServerOptions options;
  options.limits.body_rate = 0;
  HttpWire wire(4096, options);
  wire.Send(kPost);
  wire.Advance(59s);
  wire.Send("b");
  wire.Advance(59s);
  EXPECT_EQ(wire.received(), "");
  wire.Advance(1s);
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).status, 408);
  EXPECT_TRUE(wire.seen(0).destroyed);
}

// One byte in five seconds would keep the connection open for as long as the client likes.
TEST(BodyRateTest, ABodyThatTricklesIs408) {
  HttpWire wire;
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  wire.Send("b");
  wire.Advance(5s);
  wire.Send("b");
  wire.Advance(4s);
  EXPECT_EQ(wire.received(), "");
  wire.Send("b");
  wire.Advance(2s);
  std::string text = wire.received();
  const Answer answer = TakeAnswer(text);
  EXPECT_EQ(answer.status, 408);
  EXPECT_EQ(answer.body, "the request body is slower than http.body_rate\n");
  EXPECT_TRUE(wire.seen(0).destroyed);
}

TEST(BodyRateTest, ABodyAtTheLeastRateIsTakenToItsEnd) {
  HttpWire wire;
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 24000\r\n\r\n");
  for (int second = 0; second < 100; ++second) {
    wire.Send(std::string(240, 'b'));
    wire.Advance(1s);
  }
  EXPECT_EQ(wire.received(), "");
  EXPECT_TRUE(wire.seen(0).ended);
}

// The time between two reads is granted once, not repeatedly.
TEST(BodyRateTest, FastDataEarnsOnePause) {
  HttpWire wire;
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
  wire.Send(std::string(1'000'000, 'b'));
  wire.Advance(50s);
  wire.Send("b");
  EXPECT_EQ(wire.received(), "");
  wire.Advance(11s);
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).status, 408);
}

TEST(BodyRateTest, TheTimeInWhichTheGatewayDoesNotReadIsNotTheClients) {
  HttpWire wire;
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  wire.Advance(5s);
  wire.seen(0).exchange->SetBodyReading(false);
  wire.Run();
  wire.Advance(3600s);
  wire.seen(0).exchange->SetBodyReading(true);
  wire.Run();
  wire.Advance(4s);
  EXPECT_EQ(wire.received(), "");
  wire.Advance(2s);
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).status, 408);
}

TEST(BodyRateTest, NoRateIsAskedForWhereItIsZero) {
  ServerOptions options;
  options.limits.body_rate = 0;
  HttpWire wire(4096, options);
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  for (int i = 0; i < 100; ++i) {
    wire.Send("b");
    wire.Advance(50s);
  }
  EXPECT_EQ(wire.received(), "");
}

TEST(TimeoutTest, BodyTimeoutAfterTheResponseHasBegunIsAnAbort) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.SendHead({}, {}); };
  wire.Send(kPost);
  wire.Advance(60s);
  EXPECT_TRUE(wire.wire().reset);
}

TEST(TimeoutTest, TheHandlerHasAllTimeOfTheWorld) {
  HttpWire wire;
  wire.Send(kGet);
  EXPECT_EQ(wire.armed(), 0);
  HttpWire paused;
  paused.on_request = [](Seen&, Exchange& exchange) { exchange.SetBodyReading(false); };
  paused.Send(kPost);
  EXPECT_EQ(paused.armed(), 0);
}

TEST(TimeoutTest, DiscardedBody) {
  HttpWire wire;
  wire.on_request = Ok;
  wire.Send(kPost);
  wire.Advance(60s);
  EXPECT_TRUE(wire.wire().server_fin);
  EXPECT_EQ(wire.answers(), std::vector{200});
}

TEST(TimeoutTest, ADiscardedBodyThatDripsHasNoMoreTime) {
  HttpWire wire;
  wire.on_request = Ok;
  wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 6; ++i) {
    EXPECT_FALSE(wire.wire().server_fin);
    wire.Send("x");
    wire.Advance(10s);
  }
  EXPECT_TRUE(wire.wire().server_fin);
}

TEST(TimeoutTest, LingeringEnds) {
  HttpWire wire;
  wire.Send("GET / HTTP/1.1\r\n\r\n");
  wire.Advance(1'999ms);
  EXPECT_TRUE(wire.wire().server_fin);
  EXPECT_FALSE(wire.done());
  wire.Advance(1ms);
  EXPECT_TRUE(wire.done());
}

TEST(TimeoutTest, LingeringIsBoundedInBytes) {
  HttpWire wire;
  wire.Send("GET / HTTP/1.1\r\n\r\n");
  wire.Send(std::string(256 * 1024 - 1, 'x'));
  EXPECT_FALSE(wire.done());
  wire.Send("x");
  EXPECT_TRUE(wire.done());
}

TEST(TimeoutTest, LastAnswerWaitsForASlowReader) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) {
    exchange.Respond({200, "", {{"Connection", "close"}}, std::string(100'000, 'x')});
  };
  wire.wire().room = 0;
  wire.Send(kGet);
  for (int i = 0; i < 100; ++i) {
    wire.Advance(30s);
    wire.Take(1000);
    EXPECT_FALSE(wire.done());
  }
  wire.Take(std::string::npos);
  wire.Fin();
  EXPECT_TRUE(wire.done());
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).body.size(), 100'000u);
}

TEST(TimeoutTest, AClientThatNeverReadsIsCutOff) {
  HttpWire lingering;
  lingering.on_request = [](Seen&, Exchange& exchange) {
    exchange.Respond({200, "", {{"Connection", "close"}}, std::string(100'000, 'x')});
  };
  lingering.wire().room = 0;
  lingering.Send(kGet);
  lingering.Advance(60s);
  EXPECT_TRUE(lingering.done());

  HttpWire streaming;
  streaming.on_request = [](Seen&, Exchange& exchange) {
    exchange.SendHead({}, {});
    exchange.SendBody(AsBytes(std::string(io::kHighMark + 1, 'x')));
  };
  streaming.wire().room = 0;
  streaming.Send(kGet);
  streaming.Advance(59s);
  streaming.Take(1);
  streaming.Advance(59s);
  EXPECT_FALSE(streaming.done());
  streaming.Advance(2s);
  EXPECT_TRUE(streaming.done());
  EXPECT_TRUE(streaming.wire().reset);
}

TEST(ClientGoneTest, AtEveryByteOfTheRequest) {
  const std::string bytes = std::string(kPost) + "body";
  for (std::size_t sent = 0; sent <= bytes.size(); ++sent) {
    SCOPED_TRACE(sent);
    const bool in_head = sent > 0 && sent < kPost.size();
    HttpWire fin;
    fin.Send(bytes.substr(0, sent));
    fin.Fin();
    EXPECT_EQ(fin.done(), sent < bytes.size());  // a complete request still gets its response
    EXPECT_EQ(fin.errors().size(), in_head ? 1u : 0u);
    EXPECT_EQ(fin.received(), "");
    HttpWire broken;
    broken.Send(bytes.substr(0, sent));
    broken.Rst();
    EXPECT_TRUE(broken.done());
    EXPECT_EQ(broken.errors().size(), sent < kPost.size() ? 1u : 0u);
    if (broken.requests() == 1) {
      EXPECT_TRUE(broken.seen(0).destroyed);
    }
  }
}

TEST(ClientGoneTest, HalfClosedClientsGetTheirAnswers) {
  HttpWire wire;
  wire.Send(std::string(kGet) + std::string(kGet));
  wire.Fin();
  wire.seen(0).exchange->Respond(TextResponse(200, "one"));
  wire.Run();
  EXPECT_FALSE(wire.done());
  wire.seen(1).exchange->SendHead({}, {});
  wire.seen(1).exchange->SendBody(AsBytes("two"));
  wire.seen(1).exchange->EndBody();
  wire.Run();
  EXPECT_TRUE(wire.done());
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).body, "one\n");
  EXPECT_EQ(TakeAnswer(text).body, "two");
  EXPECT_TRUE(wire.errors().empty());
}

TEST(ClientGoneTest, HalfClosedInADiscardedBodyStillGetsTheAnswer) {
  HttpWire wire;
  wire.wire().room = 0;
  wire.on_request = Ok;
  wire.Send(kPost);
  wire.Fin();
  EXPECT_FALSE(wire.done());
  wire.Take(std::string::npos);
  EXPECT_TRUE(wire.done());
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).status, 200);
}

TEST(ClientGoneTest, WithItsBodyPausedIsNoticedWhenTheBodyIsWanted) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.SetBodyReading(false); };
  wire.Send(std::string(kPost) + "bo");
  wire.Fin();
  EXPECT_FALSE(wire.done());
  wire.seen(0).exchange->SetBodyReading(true);
  wire.Run();
  EXPECT_EQ(wire.seen(0).body, "bo");
  EXPECT_TRUE(wire.done());
  EXPECT_TRUE(wire.seen(0).destroyed);
}

TEST(DrainTest, IdleConnectionsEndAtOnce) {
  HttpWire kept_alive;
  kept_alive.on_request = Ok;
  kept_alive.Send(kGet);
  kept_alive.Drain();
  EXPECT_TRUE(kept_alive.done());
}

TEST(DrainTest, AClientThatHasJustConnectedMayStillAsk) {
  HttpWire silent;
  silent.Drain();
  silent.Advance(999ms);
  EXPECT_FALSE(silent.done());
  silent.Advance(1ms);
  EXPECT_TRUE(silent.done());

  HttpWire late;
  late.on_request = Ok;
  late.Drain();
  late.Send(kGet);
  late.Fin();
  EXPECT_TRUE(late.done());
  std::string text = late.received();
  const Answer answer = TakeAnswer(text);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.headers.HasToken("connection", "close"));
}

TEST(DrainTest, BusyOnesAnswerFirst) {
  HttpWire wire;
  wire.Send(std::string(kGet) + std::string(kGet));
  wire.Drain();
  EXPECT_FALSE(wire.done());
  wire.seen(0).exchange->Respond(TextResponse(200, "bye"));
  wire.Fin();
  EXPECT_TRUE(wire.done());
  EXPECT_EQ(wire.requests(), 1u);
  std::string text = wire.received();
  const Answer answer = TakeAnswer(text);
  EXPECT_EQ(answer.body, "bye\n");
  EXPECT_TRUE(answer.headers.HasToken("connection", "close"));
}

TEST(DrainTest, TheClientsFinIsNotWaitedForLong) {
  HttpWire refused;
  refused.Send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_FALSE(refused.done());
  refused.Drain();
  refused.Advance(199ms);
  EXPECT_FALSE(refused.done());
  refused.Advance(1ms);
  EXPECT_TRUE(refused.done());

  HttpWire busy;
  busy.Send(kGet);
  busy.Drain();
  busy.seen(0).exchange->Respond(TextResponse(503, "stopping"));
  busy.Advance(200ms);
  EXPECT_TRUE(busy.done());
  std::string text = busy.received();
  EXPECT_EQ(TakeAnswer(text).status, 503);
}

TEST(DrainTest, AnAnswerUnderWayIsCompleted) {
  HttpWire wire;
  wire.Send(kGet);
  wire.seen(0).exchange->SendHead({}, {});
  wire.Drain();
  EXPECT_FALSE(wire.done());
  wire.seen(0).exchange->EndBody();
  wire.Fin();
  EXPECT_TRUE(wire.done());
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).status, 200);
}

TEST(DrainTest, ABegunHeadIsStillServed) {
  HttpWire wire;
  wire.on_request = Ok;
  wire.Send(kGet.substr(0, 5));
  wire.Drain();
  EXPECT_FALSE(wire.done());
  wire.Send(kGet.substr(5));
  std::string text = wire.received();
  EXPECT_TRUE(TakeAnswer(text).headers.HasToken("connection", "close"));
}

TEST(DrainTest, ADiscardedBodyIsTheLast) {
  HttpWire wire;
  wire.on_request = Ok;
  wire.Send(kPost);
  wire.Drain();
  wire.Send("body");
  wire.Fin();
  EXPECT_TRUE(wire.done());
}

// A scenario with every kind of write; whichever fails, the connection must end.
TEST(FailingWriteTest, EndsTheConnectionAtEveryWrite) {
  const auto scenario = [](HttpWire& wire) {
    wire.on_request = [&](Seen& seen, Exchange& exchange) {
      if (seen.request.wants_upgrade) {
        wire.upgraded = exchange.Upgrade(SwitchingProtocols());
        return;
      }
      if (seen.request.has_body) return;
      exchange.Respond(TextResponse(200, "ok"));
    };
    wire.on_end = [](Seen&, Exchange& exchange) {
      exchange.SendHead({103, "", {}, ""}, {});
      exchange.SendHead({}, {});
      exchange.SendBody(AsBytes("one"));
      exchange.SendBody(AsBytes("two"));
      exchange.EndBody();
    };
    wire.Send(kGet);
    wire.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    wire.Send("body");
    wire.Send(kUpgrade);
  };
  HttpWire whole(3);
  scenario(whole);
  EXPECT_TRUE(whole.upgraded.has_value());
  const int writes = whole.wire().writes;
  ASSERT_GE(writes, 7);
  for (int nth = 1; nth < writes; ++nth) {
    SCOPED_TRACE(nth);
    HttpWire wire(3);
    wire.wire().fail_write = nth;
    scenario(wire);
    EXPECT_TRUE(wire.done());
    EXPECT_FALSE(wire.upgraded.has_value());
    for (std::size_t i = 0; i < wire.requests(); ++i) EXPECT_TRUE(wire.seen(i).destroyed);
  }
}

TEST(OwnershipTest, DestroyingTheConnectionCancelsItsHandler) {
  HttpWire wire;
  wire.Send(kPost);
  EXPECT_FALSE(wire.seen(0).destroyed);  // ~HttpWire checks that it is, after the connection
}

}  // namespace
}  // namespace upgate::http::lifecycle_test
