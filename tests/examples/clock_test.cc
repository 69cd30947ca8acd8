// The example service of docs/plugins.md, in a whole gateway.
#include "docs/examples/clock/clock.h"

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/builtins.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kConfig = R"(
routes:
  - { path: /clock, plugin: clock, options: { interval: 10s } }
)";

// The initial time of FakeTimers.
constexpr std::int64_t kStart = 1767323045;

void RegisterClock(plugin::Registry& registry) {
  registry.AddService("clock", examples::MakeClock);
}

std::vector<std::string> Texts(GatewayClient& client) {
  std::vector<std::string> texts;
  for (const auto& [opcode, payload] : Messages(client.Frames())) {
    EXPECT_EQ(opcode, kText);
    texts.push_back(payload);
  }
  return texts;
}

TEST(ClockTest, SendsTheTimeAtOnceOnRequestAndEveryInterval) {
  TestGateway gw(kConfig, {}, io::kShare, RegisterClock);
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/clock").status, 101);
  EXPECT_THAT(Texts(client), ElementsAre(std::to_string(kStart)));
  gw.loop().Advance(3s);
  client.Send(TextFrame("?"));
  EXPECT_THAT(Texts(client), ElementsAre(std::to_string(kStart + 3)));
  gw.loop().Advance(6s);
  EXPECT_THAT(Texts(client), IsEmpty());
  gw.loop().Advance(1s);
  EXPECT_THAT(Texts(client), ElementsAre(std::to_string(kStart + 10)));
  gw.loop().Advance(20s);
  EXPECT_THAT(Texts(client), SizeIs(2));
  client.Send(CloseFrame(1000));
  EXPECT_EQ(client.ReceivedClose(), 1000);
  client.peer().Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.gateway().sessions(), 0u);
}

TEST(ClockTest, AnswersGet) {
  TestGateway gw(kConfig, {}, io::kShare, RegisterClock);
  auto client = gw.Connect();
  client.Send("GET /clock HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = client.Head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(client.Body(head), std::to_string(kStart) + "\n");
  client.Send("DELETE /clock HTTP/1.1\r\nHost: a\r\n\r\n");
  head = client.Head();
  EXPECT_EQ(head.status, 405);
}

TEST(ClockTest, ReachesMoreClientsThanATurnServes) {
  constexpr std::size_t kClients = 300;
  TestGateway gw(kConfig, {}, io::kShare, RegisterClock);
  std::vector<std::unique_ptr<GatewayClient>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<GatewayClient>(gw.loop(), Address("127.0.0.1:80")));
    clients.back()->Upgrade("/clock");
    EXPECT_THAT(Texts(*clients.back()), SizeIs(1));
  }
  gw.loop().Advance(10s);
  for (const auto& client : clients) EXPECT_THAT(Texts(*client), SizeIs(1));
}

TEST(ClockTest, SkipsAClientThatDoesNotRead) {
  TestGateway gw(R"(
routes:
  - { path: /clock, plugin: clock, options: { interval: 100ms }, limits: { ping_interval: 0, idle: 0 } }
)",
                 {.send_buffer = 1024}, io::kShare, RegisterClock);
  auto client = gw.Connect();
  client.Upgrade("/clock");
  client.peer().Stall();
  std::string questions;
  for (int i = 0; i < 30'000; ++i) questions += TextFrame("?");
  client.Send(questions);
  std::size_t held = 0;
  for (MemoryStream* stream : gw.network().Streams()) held += stream->queued();
  EXPECT_GT(held, io::kHighMark);
  gw.loop().Advance(10s);
  std::size_t later = 0;
  for (MemoryStream* stream : gw.network().Streams()) later += stream->queued();
  EXPECT_EQ(later, held);
  client.peer().Resume();
  gw.loop().RunUntilIdle();
  EXPECT_FALSE(Texts(client).empty());
}

TEST(ClockTest, OptionsAreChecked) {
  const auto fault = [](std::string_view options) -> std::string {
    try {
      TestGateway gw("routes: [{ path: /, plugin: clock, options: " + std::string(options) + " }]",
                     {}, io::kShare, RegisterClock);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(fault("{ interval: 1m }"), "");
  EXPECT_THAT(fault("{ interval: 10ms }"), HasSubstr("routes[0].options.interval"));
  EXPECT_THAT(fault("{ intervall: 1s }"), HasSubstr("did you mean 'interval'?"));
}

}  // namespace
}  // namespace upgate::test
