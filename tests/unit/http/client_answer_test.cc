// Responses of a server on a client connection: heads, every framing, and reuse of the connection.

#include <string>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/http/client_wire.h"

namespace upgate::http {
namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ClientAnswerTest : public TestOfCase<std::size_t> {
 protected:
  ClientWire wire{GetParam()};
};
INSTANTIATE_CASES(BytesPerRead, ClientAnswerTest, 1, 2, 3, 7, 4096);

TEST_EACH(ClientAnswerTest, Length) {
  wire.Exchange(Get(),
                "HTTP/1.1 404 Not There\r\nContent-Length: 5\r\nA:  b c \r\nA:\r\n\r\nhello");
  ASSERT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().head->status, 404);
  EXPECT_EQ(wire.told().head->reason, "Not There");
  EXPECT_EQ(wire.told().head->headers.Joined("a"), "b c, ");
  EXPECT_EQ(wire.told().head->headers.size(), 3u);
  EXPECT_EQ(wire.told().head->body, "");
  EXPECT_EQ(wire.told().length.bytes, 5u);
  EXPECT_EQ(wire.told().body, "hello");
  EXPECT_TRUE(wire.told().trailers.empty());
  EXPECT_TRUE(wire.reusable());
  EXPECT_TRUE(wire.reading());
}

TEST_EACH(ClientAnswerTest, LengthZero) {
  wire.Exchange(Get(), "HTTP/1.1 200 OK\r\nContent-Length: 000\r\n\r\n");
  EXPECT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().length.bytes, 0u);
  EXPECT_TRUE(wire.reusable());
}

TEST_EACH(ClientAnswerTest, Chunked) {
  wire.Exchange(Get(),
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nTrailer: X\r\n\r\n"
                "5\r\nhello\r\n00A;x=\"y\"\r\n, gateway!\r\n0;last\r\nX: 1\r\nY: 2\r\n\r\n");
  ASSERT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().length.bytes, std::nullopt);
  EXPECT_EQ(wire.told().body, "hello, gateway!");
  EXPECT_EQ(wire.told().trailers.Joined("x"), "1");
  EXPECT_EQ(wire.told().trailers.size(), 2u);
  EXPECT_TRUE(wire.reusable());
}

// Some old servers fill the line of a size with blanks.
TEST_EACH(ClientAnswerTest, ChunkSizesMayBePadded) {
  wire.Exchange(Get(),
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                "5    \r\nhello\r\n00A \t;x=y\r\n, gateway!\r\n0 \r\n\r\n");
  ASSERT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().body, "hello, gateway!");
  EXPECT_TRUE(wire.reusable());
  // Every chunk of a long response.
  std::string chunks;
  for (int i = 0; i < 1000; ++i) chunks += "2" + std::string(64, ' ') + "\r\nok\r\n";
  wire.Exchange(Get(),
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n");
  ASSERT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().body.size(), 2000u);
}

TEST_EACH(ClientAnswerTest, ToTheEndOfTheConnection) {
  wire.Exchange(Get(), "HTTP/1.1 200 OK\r\n\r\nall that comes\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
  EXPECT_FALSE(wire.told().over());
  EXPECT_EQ(wire.told().length.bytes, std::nullopt);
  wire.Fin();
  EXPECT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().body, "all that comes\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
  EXPECT_FALSE(wire.reusable());
}

TEST_EACH(ClientAnswerTest, ToAnUncleanEndFails) {
  wire.Exchange(Get(), "HTTP/1.1 200 OK\r\n\r\nall that comes");
  wire.Rst();
  EXPECT_FALSE(wire.told().ended);
  EXPECT_EQ(wire.told().failed->code, Errc::kReset);
  EXPECT_EQ(wire.told().body, "all that comes");
}

TEST_EACH(ClientAnswerTest, ReasonMayBeMissing) {
  for (const char* line : {"HTTP/1.1 200\r\n", "HTTP/1.1 200 \r\n"}) {
    wire.Exchange(Get(), std::string(line) + "Content-Length: 0\r\n\r\n");
    ASSERT_TRUE(wire.told().ended);
    EXPECT_EQ(wire.told().head->reason, "");
  }
  wire.Exchange(Get(), "HTTP/1.1 599 Gr\xc3\xbc\xc3\x9f Gott\tX\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(wire.told().head->status, 599);
  EXPECT_EQ(wire.told().head->reason, "Gr\xc3\xbc\xc3\x9f Gott\tX");
}

TEST_EACH(ClientAnswerTest, StatusesThatNoListHas) {
  for (const char* status : {"299", "399", "420", "599", "600", "777", "999"}) {
    wire.Exchange(Get(), std::string("HTTP/1.1 ") + status + "\r\nContent-Length: 2\r\n\r\nok");
    ASSERT_TRUE(wire.told().ended) << status;
    EXPECT_EQ(wire.told().head->status, std::stoi(status));
    EXPECT_EQ(wire.told().body, "ok");
    EXPECT_TRUE(wire.reusable());
  }
}

// One length, even if it is repeated (RFC 9110, section 8.6).
TEST_EACH(ClientAnswerTest, TheSameLengthSeveralTimes) {
  for (const char* framing :
       {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n",
        "content-length:5\r\nX: y\r\nCONTENT-LENGTH: \t5 \r\nContent-Length: 5,5 , 5\r\n"}) {
    wire.Exchange(Get(), std::string("HTTP/1.1 200 OK\r\nA: b\r\n") + framing + "\r\nhello");
    ASSERT_TRUE(wire.told().ended) << framing;
    EXPECT_EQ(wire.told().length.bytes, 5u);
    EXPECT_EQ(wire.told().body, "hello");
    EXPECT_EQ(wire.told().head->headers.Joined("content-length"), "5");
    EXPECT_EQ(wire.told().head->headers.Joined("a"), "b");
    EXPECT_TRUE(wire.reusable());
  }
  wire.Exchange(Head(), "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n");
  ASSERT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().head->headers.Joined("content-length"), "5");
}

TEST_EACH(ClientAnswerTest, HeadHasNoBodyWhateverTheHeadersSay) {
  for (const char* framing : {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", ""}) {
    wire.Exchange(Head(), std::string("HTTP/1.1 200 OK\r\n") + framing + "\r\n");
    ASSERT_TRUE(wire.told().ended) << framing;
    EXPECT_EQ(wire.told().length.bytes, 0u);
    EXPECT_TRUE(wire.reusable());
  }
  wire.Exchange(Get(), kOk);
  EXPECT_EQ(wire.told().body, "ok");
}

TEST_EACH(ClientAnswerTest, NotModifiedHasNoBodyEither) {
  for (const char* framing : {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", ""}) {
    wire.Exchange(Get(), std::string("HTTP/1.1 304 Not Modified\r\n") + framing + "\r\n");
    ASSERT_TRUE(wire.told().ended) << framing;
    EXPECT_TRUE(wire.reusable());
  }
}

// Nor does 204; but a server that announces a body may send one, so nothing after the head is read.
TEST(ClientAnswerTest, NoContentThatPromisesSomeIsTheLastAnswer) {
  struct Case {
    const char* framing;
    bool reusable;
  };
  for (const Case& c :
       {Case{"", true}, Case{"Content-Length: 0\r\n", true}, Case{"Content-Length: 5\r\n", false},
        Case{"Transfer-Encoding: chunked\r\n", false}}) {
    SCOPED_TRACE(c.framing);
    ClientWire wire;
    wire.Exchange(Get(), std::string("HTTP/1.1 204 No Content\r\n") + c.framing + "\r\n");
    EXPECT_TRUE(wire.told().ended);
    EXPECT_EQ(wire.told().length.bytes, 0u);
    EXPECT_EQ(wire.reusable(), c.reusable);
    EXPECT_EQ(wire.reading(), c.reusable);
  }
}

TEST_EACH(ClientAnswerTest, Interims) {
  wire.Exchange(Get(),
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  ASSERT_EQ(wire.told().interims.size(), 2u);
  EXPECT_FALSE(wire.told().head);
  EXPECT_EQ(wire.told().interims[0].status, 100);
  EXPECT_EQ(wire.told().interims[1].headers.Joined("link"), "</a>");
  wire.Answer(kOk);
  EXPECT_TRUE(wire.told().ended);
  EXPECT_TRUE(wire.reusable());
}

// A 1xx ends at its empty line; framing fields have no meaning in it (RFC 9112, section 6.3).
const char* const kFramingOfInterims[] = {
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Content-Length:\r\n",
    "content-length: x\r\n",
    "Content-Length: 1\r\nContent-Length: 2\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\nTransfer-Encoding: identity\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
};

TEST_EACH(ClientAnswerTest, FramingOfInterimsMeansNothing) {
  for (const char* framing : kFramingOfInterims) {
    SCOPED_TRACE(framing);
    wire.Exchange(Get(), std::string("HTTP/1.1 103 Early Hints\r\nA: b\r\n") + framing +
                             "Link: </a>\r\n\r\n" + std::string(kOk));
    ASSERT_TRUE(wire.told().ended);
    ASSERT_EQ(wire.told().interims.size(), 1u);
    const Headers& headers = wire.told().interims[0].headers;
    EXPECT_EQ(headers.size(), 2u);
    EXPECT_EQ(headers.Joined("a") + headers.Joined("link"), "b</a>");
    EXPECT_EQ(wire.told().body, "ok");
    EXPECT_TRUE(wire.reusable());
  }
}

TEST_EACH(ClientAnswerTest, InterimsAreCounted) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += "HTTP/1.1 102 Processing\r\n\r\n";
  wire.Exchange(Get(), text + std::string(kOk));
  EXPECT_EQ(wire.told().interims.size(), 16u);
  EXPECT_TRUE(wire.told().ended);
  wire.Exchange(Get(), text + "HTTP/1.1 102 Processing\r\n\r\n" + std::string(kOk));
  EXPECT_EQ(wire.told().interims.size(), 16u);
  EXPECT_EQ(wire.told().failed->code, Errc::kProtocol);
}

TEST_EACH(ClientAnswerTest, OneAfterTheOther) {
  for (int i = 0; i < 3; ++i) {
    wire.Exchange(Get(), kOk);
    EXPECT_EQ(wire.told().body, "ok");
    ASSERT_TRUE(wire.reusable());
    wire.Exchange(Post(0), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    EXPECT_TRUE(wire.told().ended);
    ASSERT_TRUE(wire.reusable());
  }
}

TEST_EACH(ClientAnswerTest, TheNextRequestFromInsideOnBodyEnd) {
  wire.on_end = [&] {
    EXPECT_TRUE(wire.reusable());
    wire.on_end = nullptr;
    wire.Send(Head());
  };
  wire.Exchange(Get(), kOk);
  EXPECT_FALSE(wire.told().over());
  wire.Answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(wire.told().ended);
  EXPECT_TRUE(wire.told(0).ended);
  EXPECT_EQ(wire.TakeReceived(),
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
}

struct Persistence {
  const char* head;
  bool reusable;
};

TEST(ClientAnswerTest, WhatTheServerKeepsAlive) {
  for (const Persistence& c :
       {Persistence{"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n", true},
        Persistence{"HTTP/1.1 200 OK\r\nConnection: x, Close\r\n", false},
        Persistence{"HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close\r\n", false},
        Persistence{"HTTP/1.0 200 OK\r\n", false},
        Persistence{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", true},
        Persistence{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive, close\r\n", false}}) {
    SCOPED_TRACE(c.head);
    ClientWire wire;
    EXPECT_TRUE(wire.reusable());
    wire.on_head = [&] { EXPECT_FALSE(wire.reusable()); };
    wire.on_end = [&] { EXPECT_EQ(wire.reusable(), c.reusable); };
    wire.Exchange(Get(), std::string(c.head) + "Content-Length: 2\r\n\r\nok");
    EXPECT_TRUE(wire.told().ended);
    EXPECT_EQ(wire.reusable(), c.reusable);
    EXPECT_EQ(wire.reading(), c.reusable);
    wire.Fin();
    EXPECT_EQ(wire.lost(), c.reusable ? 1 : 0);
  }
}

TEST(ClientAnswerTest, BytesLeftOverEndTheConnection) {
  ClientWire wire;
  wire.Exchange(Get(), std::string(kOk) + "H");
  EXPECT_TRUE(wire.told().ended);
  EXPECT_FALSE(wire.reusable());
  EXPECT_EQ(wire.lost(), 0);
}

TEST_EACH(ClientAnswerTest, AnswerBeforeTheRequestIsSentWholeIsTheLastOne) {
  wire.Send(Post(4));
  wire.SendBody("bo");
  wire.Answer("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().body, "no");
  EXPECT_FALSE(wire.reusable());
  wire.TakeReceived();
  wire.SendBody("dy");
  wire.EndBody();
  wire.Run();
  EXPECT_EQ(wire.TakeReceived(), "");
}

TEST_EACH(ClientAnswerTest, RequestMayBeFinishedWhileTheAnswerComes) {
  wire.Send(Post(4));
  wire.SendBody("bo");
  wire.Answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo");
  wire.SendBody("dy");
  wire.EndBody();
  wire.Answer("dy");
  EXPECT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().body, "body");
  EXPECT_TRUE(wire.reusable());
}

TEST(ClientAnswerTest, RequestStillInTheQueueIsNotSentWhole) {
  ClientWire wire;
  wire.wire().room = 20;
  wire.Exchange(Get(), kOk);
  EXPECT_TRUE(wire.told().ended);
  EXPECT_FALSE(wire.reusable());
}

class ClientUpgradeTest : public ClientAnswerTest {};
INSTANTIATE_CASES(BytesPerRead, ClientUpgradeTest, 1, 2, 3, 7, 4096);

constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "X: y\r\n\r\n";

TEST_EACH(ClientUpgradeTest, HandsOverTheStreamAndEarlyData) {
  wire.Exchange(UpgradeTo("websocket"), std::string(kSwitch) + "HTTP/1.1 early");
  ASSERT_TRUE(wire.told().upgrade_head);
  EXPECT_EQ(wire.told().upgrade_head->status, 101);
  EXPECT_EQ(wire.told().upgrade_head->headers.Joined("x"), "y");
  const std::string unread = wire.wire().inbound.substr(wire.wire().inbound_read);
  EXPECT_EQ(wire.told().upgraded->early + unread, "HTTP/1.1 early");
  ASSERT_NE(wire.told().upgraded->stream, nullptr);
  EXPECT_FALSE(wire.reading());
  EXPECT_FALSE(wire.reusable());
  EXPECT_FALSE(wire.wire().reset);
  EXPECT_EQ(wire.TakeReceived(),
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  wire.SetBodyReading(true);
  EXPECT_FALSE(wire.congested());
  wire.Abort();
  EXPECT_FALSE(wire.wire().closed);
}

TEST_EACH(ClientUpgradeTest, FollowingBytesAreTheNewProtocolRegardlessOfFraming) {
  for (const char* framing : kFramingOfInterims) {
    SCOPED_TRACE(framing);
    ClientWire one(GetParam());
    one.Exchange(UpgradeTo("websocket"),
                 std::string("HTTP/1.1 101 Yes\r\n") + framing +
                     "Connection: Upgrade\r\nUpgrade: websocket\r\nX: y\r\n\r\n" + "frames");
    ASSERT_TRUE(one.told().upgrade_head);
    EXPECT_EQ(one.told().upgrade_head->headers.size(), 3u);
    const std::string unread = one.wire().inbound.substr(one.wire().inbound_read);
    EXPECT_EQ(one.told().upgraded->early + unread, "frames");
  }
}

TEST_EACH(ClientUpgradeTest, TheProtocolMayBeNamedTwice) {
  for (const char* twice : {"Upgrade: websocket\r\nUpgrade: WebSocket\r\n",
                            "Upgrade: websocket, websocket\r\nUpgrade:\r\n"}) {
    ClientWire one(GetParam());
    one.Exchange(UpgradeTo("websocket"),
                 std::string("HTTP/1.1 101\r\nConnection: Upgrade, Upgrade\r\n") + twice + "\r\n");
    EXPECT_TRUE(one.told().upgrade_head) << twice;
  }
}

TEST_EACH(ClientUpgradeTest, InterimsComeBeforeIt) {
  wire.Exchange(UpgradeTo("h2c, websocket"),
                "HTTP/1.1 100 Continue\r\n\r\n" + std::string(kSwitch));
  EXPECT_EQ(wire.told().interims.size(), 1u);
  EXPECT_TRUE(wire.told().upgrade_head);
}

TEST_EACH(ClientUpgradeTest, OrdinaryAnswerRefusesIt) {
  wire.Exchange(UpgradeTo("websocket"),
                "HTTP/1.1 426 No\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: "
                "2\r\n\r\nno");
  EXPECT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().head->status, 426);
  EXPECT_EQ(wire.told().body, "no");
  EXPECT_TRUE(wire.reusable());
}

TEST_EACH(ClientUpgradeTest, BeforeTheRequestsEndIsAFailure) {
  OutgoingRequest request = Post(4);
  request.upgrade = "websocket";
  wire.Send(request);
  wire.SendBody("bod");
  wire.Answer(kSwitch);
  EXPECT_EQ(wire.told().failed->code, Errc::kProtocol);
}

TEST_EACH(ClientUpgradeTest, AfterARequestWithABody) {
  OutgoingRequest request = Post(std::nullopt);
  request.upgrade = "websocket";
  wire.Send(request);
  wire.EndBody();
  wire.Answer(kSwitch);
  EXPECT_TRUE(wire.told().upgrade_head);
}

}  // namespace
}  // namespace upgate::http
