// Sessions whose peer is a service inside the gateway.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"

namespace upgate::test::service_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"(
routes:
  - { path: /echo, plugin: echo, limits: { message_size: 20MiB } }
  - { path: /small, plugin: echo, limits: { message_size: 10 } }
  - { path: /stats, plugin: stats }
)";

class EchoService : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, EchoService, 1, 2, 3, 7, 4096, 65536);

TEST_EACH(EchoService, SendsMessagesBackWholeAndOfTheirKind) {
  TestGateway gw(kConfig, {.read_chunk = GetParam()});
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/echo").status, 101);
  client.Send(TextFrame("t\xc3\xa4xt") + BinaryFrame(std::string(200, '\0')) +
              Fragmented(kText, "in pieces", 2) + TextFrame(""));
  const auto messages = Messages(client.Frames());
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0], (std::pair<std::uint8_t, std::string>(kText, "t\xc3\xa4xt")));
  EXPECT_EQ(messages[1], (std::pair<std::uint8_t, std::string>(kBinary, std::string(200, '\0'))));
  EXPECT_EQ(messages[2], (std::pair<std::uint8_t, std::string>(kText, "in pieces")));
  EXPECT_EQ(messages[3], (std::pair<std::uint8_t, std::string>(kText, "")));
  client.Send(CloseFrame(1000, "bye"));
  EXPECT_EQ(client.ReceivedClose(), 1000);
  EXPECT_TRUE(client.peer().ended());
  client.peer().Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.gateway().sessions(), 0u);
}

TEST(EchoServiceLimits, AMessageThatIsTooLargeIs1009) {
  TestGateway gw(kConfig);
  auto client = gw.Connect();
  client.Upgrade("/small");
  client.Send(BinaryFrame("0123456789") + BinaryFrame("0123456789a"));
  const auto frames = client.Frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].payload, "0123456789");
  EXPECT_EQ(frames[1].close_code(), 1009);
  EXPECT_EQ(frames[1].close_reason(), "the message is too big: at least 11 bytes, the limit is 10");
}

TEST(EchoServiceLimits, AClientThatDoesNotReadIsNotReadEither) {
  TestGateway gw(kConfig, {.send_buffer = 64 * 1024});
  auto client = gw.Connect();
  client.Upgrade("/echo");
  client.peer().Stall();
  const std::string message(60000, 'm');
  for (int i = 0; i < 100; ++i) client.Send(BinaryFrame(message));
  std::size_t held = 0;
  for (MemoryStream* stream : gw.network().Streams()) held += stream->queued();
  EXPECT_LE(held, io::kHighMark + 4 * io::kReadBufferSize);
  client.peer().Resume();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(Messages(client.Frames()).size(), 100u);
}

// One read can contain 10,000 requests, and each answer takes 100 KB.
TEST(StatsServiceLimits, AnswersAreNotPiledUpForAClientThatDoesNotReadThem) {
  constexpr std::size_t kQuestions = 1000;
  TestGateway gw(kConfig, {.send_buffer = 64 * 1024});
  auto client = gw.Connect();
  client.Upgrade("/stats");
  client.peer().Stall();
  std::string questions;
  for (std::size_t i = 0; i < kQuestions; ++i) questions += TextFrame("?");
  client.Send(questions + CloseFrame(3000));
  std::size_t held = 0;
  for (MemoryStream* stream : gw.network().Streams()) held += stream->queued();
  EXPECT_GT(held, io::kHighMark);
  EXPECT_LE(held, io::kHighMark + io::kReadBufferSize);
  client.peer().Resume();
  gw.loop().RunUntilIdle();
  const auto frames = client.Frames();
  EXPECT_EQ(Messages(frames).size(), kQuestions);
  EXPECT_EQ(frames.back().close_code(), 3000);
}

// One read can contain thousands of requests: the other clients of the loop must not wait for all
// of them.
TEST(StatsServiceLimits, PipelinedRequestsYieldToOtherClients) {
  constexpr std::size_t kRequests = 300;
  TestGateway gw(kConfig, {.send_buffer = 16 << 20});
  auto client = gw.Connect();
  std::string requests;
  for (std::size_t i = 0; i < kRequests; ++i) requests += "GET /stats HTTP/1.1\r\nHost: a\r\n\r\n";
  client.peer().Send(requests);
  const stats::RouteStats& stats = gw.route_stats(2);
  std::uint64_t before = 0;
  std::uint64_t most = 0;
  while (gw.loop().RunTurn()) {
    most = std::max(most, stats.requests.Get() - before);
    before = stats.requests.Get();
  }
  EXPECT_EQ(before, kRequests);
  EXPECT_LE(most, 32u);
  for (std::size_t i = 0; i < kRequests; ++i) {
    const ResponseHead head = client.Head();
    ASSERT_EQ(head.status, 200);
    ASSERT_FALSE(client.Body(head).empty());
  }
}

TEST(StatsServiceLimits, AnswersCountIntoTheShareOfATurnByTheirSize) {
  constexpr std::size_t kRequests = 100;
  constexpr std::size_t kShare = 16 * 1024;
  TestGateway gw(kConfig, {.send_buffer = 16 << 20}, kShare);
  auto client = gw.Connect();
  std::string requests;
  for (std::size_t i = 0; i < kRequests; ++i) requests += "GET /stats HTTP/1.1\r\nHost: a\r\n\r\n";
  client.peer().Send(requests);
  std::size_t before = 0;
  std::size_t most = 0;
  while (gw.loop().RunTurn()) {
    const std::size_t received = client.peer().received().size();
    most = std::max(most, received - before);
    before = received;
  }
  const std::size_t answer = before / kRequests;
  ASSERT_GT(answer, 1024U);
  // New input and leftovers; each may exceed its share by one answer.
  EXPECT_LE(most, 2 * (kShare + answer));
}

TEST(StatsServiceLimits, PipelinedRequestsOfAClientThatIsGoneAreDropped) {
  TestGateway gw(kConfig);
  auto client = gw.Connect();
  std::string requests;
  for (int i = 0; i < 300; ++i) requests += "GET /stats HTTP/1.1\r\nHost: a\r\n\r\n";
  client.peer().Send(requests);
  while (gw.route_stats(2).requests.Get() == 0) ASSERT_TRUE(gw.loop().RunTurn());
  client.peer().Reset();
  gw.loop().RunUntilIdle();
  EXPECT_LE(gw.route_stats(2).requests.Get(), 64u);
  EXPECT_EQ(gw.listener_stats().connections_open.Get(), 0u);
}

// Nothing in flight is lost when the client sends a FIN after its Close.
TEST(EchoServiceLimits, AClientThatSendsAFinAfterItsCloseGetsEverythingInFlight) {
  TestGateway gw(kConfig, {.send_buffer = 16 * 1024});
  auto client = gw.Connect();
  client.Upgrade("/echo");
  client.peer().Stall();
  const std::string message(200'000, 'm');
  client.Send(BinaryFrame(message) + CloseFrame(3000));
  client.peer().Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.gateway().sessions(), 1u);
  client.peer().Resume();
  gw.loop().RunUntilIdle();
  const auto frames = client.Frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].payload, message);
  EXPECT_EQ(frames[1].close_code(), 3000);
  EXPECT_TRUE(client.peer().ended());
  EXPECT_EQ(gw.gateway().sessions(), 0u);
}

TEST(EchoServiceLimits, SixteenMebibytesPass) {
  TestGateway gw(kConfig);
  auto client = gw.Connect();
  client.Upgrade("/echo");
  const std::string message(16 << 20, 'm');
  client.Send(Fragmented(kBinary, message, 1 << 20));
  const auto messages = Messages(client.Frames());
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].second, message);
}

}  // namespace
}  // namespace upgate::test::service_test
