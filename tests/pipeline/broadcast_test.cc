// Rooms that span loops, with real frames on the wire.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"

namespace upgate::test::broadcast_test {
namespace {

using Received = std::vector<std::pair<std::uint8_t, std::string>>;

TEST(Broadcast, AMessageGoesToEverybodyElseInTheRoomOnEveryLoop) {
  TestGateway gw(R"(
workers: 2
routes: [ { path: /chat/*, plugin: broadcast } ]
)");
  auto alice = gw.ConnectToLoop(0);
  auto bob = gw.ConnectToLoop(0);
  auto carol = gw.ConnectToLoop(1);
  auto elsewhere = gw.ConnectToLoop(1);
  EXPECT_EQ(alice.Upgrade("/chat/tea?name=alice").status, 101);
  EXPECT_EQ(bob.Upgrade("/chat/tea?name=bob").status, 101);
  EXPECT_EQ(carol.Upgrade("/chat/t%65a").status, 101);
  EXPECT_EQ(elsewhere.Upgrade("/chat/coffee").status, 101);
  alice.Send(TextFrame("t\xc3\xa4") + Fragmented(kBinary, std::string(70'000, '\x01'), 1000));
  carol.Send(TextFrame("hi"));
  const Received from_alice{{kText, "t\xc3\xa4"}, {kBinary, std::string(70'000, '\x01')}};
  EXPECT_EQ(Messages(carol.Frames()), from_alice);
  Received all = from_alice;
  all.emplace_back(kText, "hi");
  EXPECT_EQ(Messages(bob.Frames()), all);
  EXPECT_EQ(Messages(alice.Frames()), (Received{{kText, "hi"}}));
  EXPECT_TRUE(elsewhere.Frames().empty());
  EXPECT_EQ(gw.route_stats().out.text_messages.Get(), 3u);
  EXPECT_EQ(gw.route_stats().out.binary_messages.Get(), 1u);
}

// One read contains more messages than fit in one write.
TEST(Broadcast, ABurstArrivesWholeAndIsCountedByTheMessage) {
  constexpr int kBurst = 500;
  TestGateway gw(
      "workers: 2\nroutes: [ { path: /, plugin: broadcast, options: { to_sender: true } } ]");
  auto publisher = gw.ConnectToLoop(0);
  auto far = gw.ConnectToLoop(1);
  ASSERT_EQ(publisher.Upgrade("/").status, 101);
  ASSERT_EQ(far.Upgrade("/").status, 101);
  std::string frames;
  Received sent;
  std::size_t bytes = 0;
  for (int i = 0; i < kBurst; ++i) {
    sent.emplace_back(i % 3 == 0 ? kText : kBinary, std::to_string(i));
    frames += Frame(sent.back().first, sent.back().second);
    bytes += sent.back().second.size();
  }
  publisher.Send(frames);
  EXPECT_EQ(Messages(publisher.Frames()), sent);
  EXPECT_EQ(Messages(far.Frames()), sent);
  const stats::Traffic& out = gw.route_stats().out;
  EXPECT_EQ(out.frames.Get(), 500u);
  EXPECT_EQ(out.text_messages.Get(), 167u);
  EXPECT_EQ(out.bytes.Get(), bytes);
}

TEST(Broadcast, AStalledReaderIsClosedWith1013AndTheOthersGetEverything) {
  constexpr int kMessages = 100;
  TestGateway gw(R"(
workers: 2
routes: [ { path: /, plugin: broadcast, options: { queue: 64KiB } } ]
)",
                 {.send_buffer = 32 * 1024});
  auto publisher = gw.ConnectToLoop(0);
  auto near = gw.ConnectToLoop(0);
  auto stalled_near = gw.ConnectToLoop(0);
  auto far = gw.ConnectToLoop(1);
  auto stalled_far = gw.ConnectToLoop(1);
  for (auto* client : {&publisher, &near, &stalled_near, &far, &stalled_far})
    ASSERT_EQ(client->Upgrade("/").status, 101);
  for (auto* client : {&stalled_near, &stalled_far}) client->peer().Stall();
  const std::string filling(10'000, 'm');
  Received sent;
  for (int i = 0; i < kMessages; ++i) {
    sent.emplace_back(kText, std::to_string(i) + filling);
    publisher.Send(TextFrame(sent.back().second));
  }
  EXPECT_EQ(Messages(near.Frames()), sent);
  EXPECT_EQ(Messages(far.Frames()), sent);
  for (MemoryStream* stream : gw.network().Streams())
    EXPECT_LE(stream->queued(), io::kHighMark + 2 * filling.size());
  for (auto* client : {&stalled_near, &stalled_far}) {
    client->peer().Resume();
    gw.loop().RunUntilIdle();
    const auto frames = client->Frames();
    const Received got = Messages(frames);
    EXPECT_GT(got.size(), 10u);
    EXPECT_LT(got.size(), static_cast<std::size_t>(kMessages));
    EXPECT_TRUE(std::equal(got.begin(), got.end(), sent.begin()));
    EXPECT_EQ(frames.back().close_code(), 1013);
    EXPECT_EQ(frames.back().close_reason(), "too slow");
    client->Send(CloseFrame(1013));
    EXPECT_TRUE(client->peer().ended());
  }
}

TEST(Broadcast, ATemporarilySlowReaderGetsEverything) {
  TestGateway gw("routes: [ { path: /, plugin: broadcast } ]", {.send_buffer = 32 * 1024});
  auto publisher = gw.Connect();
  auto slow = gw.Connect();
  ASSERT_EQ(publisher.Upgrade("/").status, 101);
  ASSERT_EQ(slow.Upgrade("/").status, 101);
  slow.peer().Stall();
  Received sent;
  for (int i = 0; i < 100; ++i) {
    sent.emplace_back(kBinary, std::to_string(i) + std::string(10'000, 'm'));
    publisher.Send(BinaryFrame(sent.back().second));
  }
  slow.peer().Resume();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(Messages(slow.Frames()), sent);
}

// Its ping is queued for longer than the interval, and the queue is longer at each check.
TEST(Broadcast, AReaderWhoseQueueGrowsWhileItReadsIsAlive) {
  TestGateway gw(R"(
routes: [ { path: /, plugin: broadcast, options: { queue: 1MiB }, limits: { ping_interval: 30s, idle: 1h } } ]
)",
                 {.send_buffer = 32 * 1024});
  auto publisher = gw.Connect();
  auto slow = gw.Connect();
  ASSERT_EQ(publisher.Upgrade("/").status, 101);
  ASSERT_EQ(slow.Upgrade("/").status, 101);
  const auto publish = [&](int messages) {
    for (int i = 0; i < messages; ++i) publisher.Send(BinaryFrame(std::string(10'000, 'm')));
    gw.loop().RunUntilIdle();
  };
  slow.peer().Stall();
  for (int round = 1; round <= 4; ++round) {
    publish(5 * round);
    gw.loop().Advance(std::chrono::seconds{15});
    publisher.Send(PongFrame(""));
    slow.peer().Resume();
    gw.loop().RunUntilIdle();
    slow.peer().Stall();
    publish(5 * round);
    gw.loop().Advance(std::chrono::seconds{15});
  }
  EXPECT_FALSE(slow.peer().done()) << "it made progress in each interval";
  for (int i = 0; i < 4; ++i) {
    gw.loop().Advance(std::chrono::seconds{30});
    publisher.Send(PongFrame(""));
  }
  EXPECT_TRUE(slow.peer().error()) << "but no progress in this one";
}

std::string Post(std::string_view target, std::string_view type, std::string_view body,
                 std::string_view extra = {}) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(extra) +
         "\r\n" + std::string(body);
}

TEST(Broadcast, PostPublishesWhereTheRouteAllowsIt) {
  TestGateway gw(R"(
workers: 2
routes:
  - { path: /open/*, plugin: broadcast, options: { http_publish: true }, limits: { message_size: 100 } }
  - { path: /closed, plugin: broadcast }
)");
  auto near = gw.ConnectToLoop(0);
  auto far = gw.ConnectToLoop(1);
  ASSERT_EQ(near.Upgrade("/open/a").status, 101);
  ASSERT_EQ(far.Upgrade("/open/a").status, 101);
  auto publisher = gw.ConnectToLoop(0);
  const auto post = [&](const std::string& request) {
    publisher.Send(request);
    const ResponseHead head = publisher.Head();
    publisher.Body(head);
    return head.status;
  };
  EXPECT_EQ(post(Post("/open/a?x", "text/plain", "one")), 204);
  EXPECT_EQ(post(Post("/open/a", "application/octet-stream", "two")), 204);
  EXPECT_EQ(post(Post("/open/a", "text/plain", "\xff")), 400);
  EXPECT_EQ(post(Post("/open/a", "text/plain", std::string(101, 'x'))), 413);
  EXPECT_EQ(post("GET /open/a HTTP/1.1\r\nHost: gateway.test\r\n\r\n"), 426);
  EXPECT_EQ(post(Post("/closed", "text/plain", "x")), 405);
  const Received expected{{kText, "one"}, {kBinary, "two"}};
  EXPECT_EQ(Messages(near.Frames()), expected);
  EXPECT_EQ(Messages(far.Frames()), expected);
}

// A page can send a POST of plain text to any host without a preflight.
TEST(Broadcast, PagesOfOtherOriginsPublishOnlyWhereTheyMayConnect) {
  TestGateway gw(R"(
routes:
  - { path: /own, plugin: broadcast, options: { http_publish: true } }
  - path: /shared
    plugin: broadcast
    options: { http_publish: true }
    cors: { allow_origins: [ "https://friend.test" ] }
)");
  const auto status = [&](std::string_view path, std::string_view origin) {
    auto client = gw.Connect();
    client.Send(Post(path, "text/plain", "x", "Origin: " + std::string(origin) + "\r\n"));
    return client.Head().status;
  };
  EXPECT_EQ(status("/own", "http://gateway.test"), 204);
  EXPECT_EQ(status("/own", "https://friend.test"), 403);
  EXPECT_EQ(status("/own", "null"), 403);
  EXPECT_EQ(status("/shared", "https://friend.test"), 204);
  EXPECT_EQ(status("/shared", "https://foe.test"), 403);
}

}  // namespace
}  // namespace upgate::test::broadcast_test
