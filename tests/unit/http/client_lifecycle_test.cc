// Client connections whose body is not read, that are abandoned, that break, or that are lost while
// idle.

#include <string>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/http/client_wire.h"

namespace upgate::http::client_lifecycle_test {
namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kChunked =
    "HTTP/1.1 103 Hi\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\nA: b\r\n\r\n";

class ClientReadingTest : public TestOfCase<std::size_t> {
 protected:
  ClientWire wire{GetParam()};
};
INSTANTIATE_CASES(BytesPerRead, ClientReadingTest, 1, 2, 3, 7, 4096);

TEST_EACH(ClientReadingTest, StopsAfterEachPiece) {
  wire.on_head = wire.on_body = [&] { wire.SetBodyReading(false); };
  wire.Exchange(Get(), kChunked);
  ASSERT_TRUE(wire.told().head);
  EXPECT_EQ(wire.told().body, "");
  int pieces = 0;
  while (!wire.told().over() && pieces++ < 20) {
    const std::string before = wire.told().body;
    EXPECT_FALSE(wire.reading());
    wire.Run();
    EXPECT_EQ(wire.told().body, before);
    wire.SetBodyReading(true);
    EXPECT_EQ(wire.told().body, before) << "not from inside the call";
    wire.Run();
    if (GetParam() > 5 && !wire.told().over()) {
      EXPECT_GT(wire.told().body.size(), before.size());
    }
  }
  EXPECT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().body, "onetwothree");
  EXPECT_EQ(wire.told().trailers.size(), 1u);
  EXPECT_TRUE(wire.reusable());
}

TEST_EACH(ClientReadingTest, StoppedBeforeTheHeadHoldsBackTheBodyOnly) {
  wire.Send(Get());
  wire.SetBodyReading(false);
  wire.Answer(kOk);
  EXPECT_TRUE(wire.told().head);
  EXPECT_EQ(wire.told().body, "");
  EXPECT_FALSE(wire.told().over());
  wire.SetBodyReading(true);
  wire.Run();
  EXPECT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().body, "ok");
}

TEST_EACH(ClientReadingTest, TheEndWaitsToo) {
  wire.on_head = wire.on_body = [&] { wire.SetBodyReading(false); };
  wire.Exchange(Get(), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  wire.SetBodyReading(true);
  wire.Run();
  EXPECT_EQ(wire.told().body, "x");
  EXPECT_FALSE(wire.told().over());
  wire.SetBodyReading(true);
  wire.SetBodyReading(false);
  wire.Run();
  EXPECT_FALSE(wire.told().over());
  wire.SetBodyReading(true);
  wire.Run();
  EXPECT_TRUE(wire.told().ended);
  EXPECT_TRUE(wire.reusable());
}

TEST_EACH(ClientReadingTest, EndOfTheConnectionWaitsForBufferedData) {
  wire.on_head = [&] { wire.SetBodyReading(false); };
  wire.Send(Get());
  wire.wire().client_fin = true;
  wire.Answer("HTTP/1.1 200 OK\r\n\r\nto the end");
  EXPECT_FALSE(wire.told().over());
  wire.SetBodyReading(true);
  wire.Run();
  EXPECT_TRUE(wire.told().ended);
  EXPECT_EQ(wire.told().body, "to the end");
}

TEST(ClientReadingTest, AnswerThatIsThereWholeIsDeliveredThoughTheConnectionBroke) {
  for (const bool whole : {true, false}) {
    ClientWire wire;
    wire.on_head = [&] { wire.SetBodyReading(false); };
    wire.Exchange(Get(), whole ? kChunked : kChunked.substr(0, kChunked.size() - 1));
    wire.Rst();
    EXPECT_FALSE(wire.told().over());
    wire.on_end = [&] { EXPECT_FALSE(wire.reusable()); };
    wire.SetBodyReading(true);
    wire.Run();
    EXPECT_EQ(wire.told().body, "onetwothree");
    EXPECT_EQ(wire.told().ended, whole);
    EXPECT_EQ(wire.told().failed.has_value(), !whole);
    EXPECT_FALSE(wire.reusable());
  }
}

TEST(ClientReadingTest, BreakIsReportedWhileReadingIsOff) {
  ClientWire wire;
  wire.on_body = [&] { wire.SetBodyReading(false); };
  wire.Exchange(Get(), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
  wire.Rst();
  EXPECT_EQ(wire.told().failed->code, Errc::kReset);
  EXPECT_EQ(wire.told().body, "part");
}

TEST(ClientReadingTest, AtMostOneReadIsKept) {
  ClientWire wire(1000);
  wire.on_head = [&] { wire.SetBodyReading(false); };
  wire.Exchange(Get(),
                "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100000, 'x'));
  EXPECT_EQ(wire.wire().inbound_read, 1000u);
  wire.SetBodyReading(true);
  wire.Run();
  EXPECT_EQ(wire.told().body.size(), 100000u);
  EXPECT_TRUE(wire.reusable());
}

TEST(ClientReadingTest, OffAndOnInsideACallbackChangesNothing) {
  ClientWire wire;
  wire.on_head = wire.on_body = [&] {
    wire.SetBodyReading(false);
    wire.SetBodyReading(true);
  };
  wire.Exchange(Get(), kChunked);
  EXPECT_TRUE(wire.told().ended);
}

TEST_EACH(ClientReadingTest, StoppedBeforeTheHeadOfTheNextAnswer) {
  wire.Exchange(Get(), kOk);
  wire.Send(Get());
  wire.SetBodyReading(false);
  wire.Answer(kOk);
  EXPECT_TRUE(wire.told().head);
  wire.SetBodyReading(true);
  wire.Run();
  EXPECT_TRUE(wire.told().ended);
  EXPECT_TRUE(wire.reusable());
}

// ---- abandoning

constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly";

TEST(ClientAbandonTest, InsideEachCallback) {
  for (const std::size_t chunk : {1u, 2u, 3u, 7u, 4096u}) {
    for (const auto hook : ClientWire().hooks()) {
      int calls = 0;
      for (const std::string_view answer : {kOk, kChunked, kSwitch, kChunked.substr(0, 70)}) {
        ClientWire wire(chunk);
        bool called = false;
        wire.*hook = [&] {
          called = true;
          ++calls;
          wire.Abort();
          wire.SendBody("x");
          wire.EndBody();
          wire.SetBodyReading(true);
          EXPECT_FALSE(wire.congested());
          EXPECT_FALSE(wire.reusable());
        };
        OutgoingRequest request = Post(std::nullopt);
        request.upgrade = "websocket";
        wire.wire().room = 0;
        wire.Send(request);
        wire.SendBody(std::string(io::kHighMark + 1, 'x'));
        wire.Take(std::string::npos);  // drained
        if (!called) wire.EndBody();
        wire.Answer(answer);  // no callback after Abort: the handler checks this
        wire.Fin();
        EXPECT_FALSE(called && wire.reusable());
      }
      EXPECT_GT(calls, 0);
    }
  }
}

TEST(ClientAbandonTest, InTheMiddleOfWhatWasKept) {
  ClientWire wire;
  wire.on_head = [&] { wire.SetBodyReading(false); };
  wire.Exchange(Get(), kChunked);
  wire.SetBodyReading(true);
  wire.on_body = [&] { wire.Abort(); };
  wire.Run();
  EXPECT_EQ(wire.told().body, "one");
}

TEST(ClientAbandonTest, TakesBackWhatWasToComeLater) {
  ClientWire wire;
  wire.on_head = [&] { wire.SetBodyReading(false); };
  wire.Exchange(Get(), kChunked);
  wire.SetBodyReading(true);
  wire.Abort();
  wire.Run();
  EXPECT_EQ(wire.told().body, "");
}

TEST(ClientAbandonTest, AtAnyTime) {
  for (std::size_t at = 0; at <= kChunked.size(); ++at) {
    ClientWire wire;
    wire.Exchange(Get(), kChunked.substr(0, at));
    const bool over = wire.told().over();
    wire.Abort();
    EXPECT_FALSE(wire.reusable());
    EXPECT_FALSE(wire.reading());
    EXPECT_TRUE(wire.wire().reset);
    wire.Answer(kChunked.substr(at));
    wire.Rst();
    EXPECT_EQ(wire.told().over(), over);
    EXPECT_EQ(wire.lost(), 0);
  }
}

TEST(ClientAbandonTest, TakesBackAFailureThatIsStillToBeTold) {
  ClientWire wire;
  wire.Send(Post(5));
  wire.EndBody();
  wire.Abort();
  wire.Run();
  EXPECT_FALSE(wire.told().failed);
}

TEST(ClientAbandonTest, DestroyedWhileBusyCallsNobody) {
  for (const bool failing : {false, true}) {
    ClientWire wire;
    wire.Send(Post(5));
    if (failing) wire.EndBody();
  }
}

// ---- failures

TEST(ClientFailureTest, EachWrite) {
  for (int nth = 1; nth <= 5; ++nth) {
    ClientWire wire;
    wire.wire().fail_write = nth;
    wire.Send(Post(std::nullopt));
    wire.SendBody("one");
    wire.SendBody("two");
    wire.EndBody();
    EXPECT_FALSE(wire.told().failed);
    wire.Answer(kOk);
    EXPECT_EQ(wire.told().ended, nth == 5);
    if (nth == 5) continue;
    ASSERT_TRUE(wire.told().failed);
    EXPECT_EQ(wire.told().failed->code, Errc::kReset);
    EXPECT_TRUE(wire.told().untouched);
    EXPECT_FALSE(wire.reusable());
  }
}

TEST(ClientFailureTest, IsTheLastCallbackWhateverIsCalled) {
  ClientWire wire;
  wire.on_failed = [&] {
    EXPECT_FALSE(wire.reusable());
    wire.SendBody("x");
    wire.EndBody();
    wire.SetBodyReading(true);
    wire.Abort();
  };
  wire.Send(Post(5));
  wire.Rst();
  EXPECT_TRUE(wire.told().failed);
}

TEST(ClientFailureTest, RequestOnADeadConnectionFailsLater) {
  ClientWire wire;
  wire.Exchange(Get(), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_FALSE(wire.reusable());
  wire.TakeReceived();
  wire.Send(Get());
  EXPECT_FALSE(wire.told().failed);
  wire.Run();
  ASSERT_TRUE(wire.told().failed);
  EXPECT_TRUE(wire.told().untouched);
  EXPECT_EQ(wire.TakeReceived(), "");
}

TEST(ClientFailureTest, KeptAliveConnectionThatTheServerCloses) {
  ClientWire wire;
  wire.Exchange(Get(), kOk);
  wire.Send(Get());
  wire.Fin();
  ASSERT_TRUE(wire.told().failed);
  EXPECT_TRUE(wire.told().untouched);
  EXPECT_EQ(wire.lost(), 0);
}

// ---- idle

TEST(ClientIdleTest, CloseBreakAndStrayBytesAreReported) {
  for (const int what : {0, 1, 2}) {
    for (const bool used : {false, true}) {
      ClientWire wire;
      if (used) wire.Exchange(Get(), kOk);
      EXPECT_TRUE(wire.reusable());
      EXPECT_TRUE(wire.reading());
      if (what == 0) wire.Fin();
      if (what == 1) wire.Rst();
      if (what == 2) wire.Answer("HTTP/1.1 408 Timeout\r\n\r\n");
      EXPECT_EQ(wire.lost(), 1);
      EXPECT_TRUE(wire.wire().closed);
    }
  }
}

TEST(ClientIdleTest, AbandonedMakesNoCallbacks) {
  ClientWire wire;
  wire.Abort();
  wire.Fin();
  EXPECT_EQ(wire.lost(), 0);
}

}  // namespace
}  // namespace upgate::http::client_lifecycle_test
