#include <string>
#include <utility>

#include <gmock/gmock.h>

#include "tests/unit/plugins/plugin_fixture.h"

namespace upgate::plugins {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST_F(PluginsTest, BuiltinsWithoutOptionsAreMadeWithoutErrors) {
  EXPECT_THAT(registry_.ServiceNames(), testing::IsSupersetOf({"echo", "stats"}));
  for (const std::string name : {"echo", "stats"}) EXPECT_NE(Make(name), nullptr);
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(PluginsTest, OptionsAreRefused) {
  for (const std::string name : {"echo", "stats"}) EXPECT_EQ(Make(name, "{loud: true}"), nullptr);
  ASSERT_EQ(errors_.size(), 2U);
  for (const config::ConfigError& error : errors_) EXPECT_EQ(error.key, "options");
}

TEST_F(PluginsTest, EchoServesWebSocketsOnly) {
  const auto echo = Make("echo");
  EXPECT_TRUE(echo->serves_websocket());
  EXPECT_FALSE(echo->serves_http());
}

TEST_F(PluginsTest, EchoSendsEveryMessageBackUnchanged) {
  const auto echo = Start("echo");
  FakeSocket socket;
  const auto handler = echo->OnSocket(socket);
  ASSERT_NE(handler, nullptr);
  EXPECT_THAT(socket.sent, IsEmpty());
  const std::string binary("\0\xff\x80", 3);
  Deliver(*handler, MessageKind::kText, "Hello");
  Deliver(*handler, MessageKind::kBinary, binary);
  Deliver(*handler, MessageKind::kText, "");
  handler->OnWritable();
  handler->OnClose(1000);
  EXPECT_THAT(socket.sent,
              ElementsAre(Pair(MessageKind::kText, "Hello"), Pair(MessageKind::kBinary, binary),
                          Pair(MessageKind::kText, "")));
  EXPECT_FALSE(socket.closed);
}

TEST_F(PluginsTest, EchoKeepsSessionsApart) {
  const auto echo = Start("echo");
  FakeSocket socket;
  FakeSocket other;
  const auto first = echo->OnSocket(socket);
  const auto second = echo->OnSocket(other);
  Deliver(*first, MessageKind::kText, "a");
  Deliver(*second, MessageKind::kText, "b");
  EXPECT_THAT(socket.sent, ElementsAre(Pair(MessageKind::kText, "a")));
  EXPECT_THAT(other.sent, ElementsAre(Pair(MessageKind::kText, "b")));
}

class StatsTest : public PluginsTest {
 protected:
  http::Response Ask(const std::string& method, const std::string& query = "") {
    const auto stats = Start("stats");
    FakeExchange exchange(method, "/stats", query);
    EXPECT_EQ(stats->OnRequest(exchange), nullptr);
    EXPECT_TRUE(exchange.ended) << "not answered";
    return exchange.response.value_or(http::Response{});
  }
};

TEST_F(StatsTest, AreJsonToGet) {
  const http::Response response = Ask("GET");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"reading\":1}");
  EXPECT_EQ(ValueOf(response, "Content-Type"), "application/json");
  EXPECT_EQ(ValueOf(response, "Cache-Control"), "no-store");
}

TEST_F(StatsTest, ArePrometheusTextOnDemand) {
  const http::Response response = Ask("GET", "a=b&format=prometheus");
  EXPECT_EQ(response.body, "upgate_x 1\n");
  EXPECT_EQ(ValueOf(response, "Content-Type"), "text/plain; version=0.0.4");
  EXPECT_EQ(host_.source.readings, 0);
  EXPECT_EQ(ValueOf(Ask("GET", "format=other"), "Content-Type"), "application/json");
}

TEST_F(StatsTest, AnswerHeadLikeGet) {
  EXPECT_EQ(Ask("HEAD").status, 200);
  EXPECT_EQ(ValueOf(Ask("HEAD"), "Content-Type"), "application/json");
}

TEST_F(StatsTest, AreOnlyRead) {
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    const http::Response response = Ask(method);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(ValueOf(response, "Allow"), "GET, HEAD");
    EXPECT_FALSE(response.body.empty());
  }
  EXPECT_EQ(host_.source.readings, 0);
}

TEST_F(StatsTest, AreReadAgainForEveryMessage) {
  const auto stats = Start("stats");
  EXPECT_TRUE(service_->serves_http());
  EXPECT_TRUE(service_->serves_websocket());
  FakeSocket socket;
  const auto handler = stats->OnSocket(socket);
  Deliver(*handler, MessageKind::kText, "now");
  Deliver(*handler, MessageKind::kBinary, "and now");
  EXPECT_THAT(socket.sent, ElementsAre(Pair(MessageKind::kText, "{\"reading\":1}"),
                                       Pair(MessageKind::kText, "{\"reading\":2}")));
}

}  // namespace
}  // namespace upgate::plugins
