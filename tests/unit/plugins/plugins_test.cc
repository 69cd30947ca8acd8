#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/plugin/service.h"
#include "plugins/builtins.h"

namespace upgate::plugins {
namespace {

using plugin::MessageKind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class FakeHost final : public plugin::Host {
 public:
  std::string StatsJson() const override {
    return "{\"reading\":" + std::to_string(++readings) + "}";
  }
  std::string StatsPrometheus() const override { return "upgate_x 1\n"; }
  mutable int readings = 0;
};

// Keeps what a service sends.
class FakeSocket final : public plugin::Socket {
 public:
  const http::Request& request() const override { return request_; }
  SocketAddress client_address() const override { return IpPort{}; }
  std::string_view subprotocol() const override { return {}; }
  void Send(MessageKind kind, Bytes payload) override {
    sent.emplace_back(kind, std::string(AsText(payload)));
  }
  bool congested() const override { return false; }
  void Close(std::uint16_t code, std::string_view) override { closed = code; }

  std::vector<std::pair<MessageKind, std::string>> sent;
  std::optional<std::uint16_t> closed;

 private:
  http::Request request_;
};

// Takes one whole answer; services that send in pieces are not meant for it.
class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(std::string method, std::string query) {
    request_.method = std::move(method);
    request_.target.path = "/stats";
    request_.target.query = std::move(query);
  }
  const http::Request& request() const override { return request_; }
  SocketAddress client_address() const override { return IpPort{}; }
  const io::TlsInfo* tls() const override { return nullptr; }
  void SetAnswerHeaders(http::Headers) override {}
  void Respond(http::Response answer) override {
    EXPECT_FALSE(response) << "answered twice";
    response = std::move(answer);
  }
  void SendHead(const http::Response&, http::BodyLength) override { ADD_FAILURE() << "SendHead"; }
  void SendBody(Bytes) override { ADD_FAILURE() << "SendBody"; }
  void EndBody(const http::Headers&) override { ADD_FAILURE() << "EndBody"; }
  bool congested() const override { return false; }
  void SetBodyReading(bool) override {}
  void Abort() override { ADD_FAILURE() << "Abort"; }
  http::Upgraded Upgrade(const http::Response&) override {
    ADD_FAILURE() << "Upgrade";
    return {};
  }

  std::optional<http::Response> response;

 private:
  http::Request request_;
};

void Deliver(plugin::SocketHandler& handler, MessageKind kind, std::string payload) {
  handler.OnMessage(kind, std::as_writable_bytes(std::span(payload)));
  payload.assign(payload.size(), '#');  // the bytes are gone after the call
}

class PluginsTest : public testing::Test {
 protected:
  PluginsTest() { RegisterBuiltins(registry_); }

  std::unique_ptr<plugin::Service> Make(const std::string& name,
                                        const config::Value& options = {}) {
    const plugin::ServiceFactory* factory = registry_.FindService(name);
    return factory == nullptr ? nullptr : (*factory)(options, host_, errors_);
  }
  http::Response Ask(const std::string& method, const std::string& query = "") {
    const auto service = Make("stats");
    FakeExchange exchange(method, query);
    EXPECT_EQ(service->OnRequest(exchange), nullptr);
    EXPECT_TRUE(exchange.response) << "not answered";
    return exchange.response.value_or(http::Response{});
  }

  plugin::Registry registry_;
  FakeHost host_;
  FakeSocket socket_;
  std::vector<config::ConfigError> errors_;
};

std::string ValueOf(const http::Response& response, std::string_view name) {
  const std::string* value = response.headers.Find(name);
  return value == nullptr ? "(none)" : *value;
}

TEST_F(PluginsTest, BuiltinsWithoutOptionsAreMadeWithoutErrors) {
  EXPECT_THAT(registry_.ServiceNames(), testing::IsSupersetOf({"echo", "stats"}));
  for (const std::string name : {"echo", "stats"}) EXPECT_NE(Make(name), nullptr);
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(PluginsTest, OptionsAreRefused) {
  config::Value options;
  options.kind = config::Value::Kind::kMap;
  options.mark = {3, 4};
  for (const std::string name : {"echo", "stats"}) Make(name, options);
  ASSERT_EQ(errors_.size(), 2U);
  for (const config::ConfigError& error : errors_) EXPECT_EQ(error.mark.line, 3);
}

TEST_F(PluginsTest, EchoServesWebSocketsOnly) {
  const auto echo = Make("echo");
  EXPECT_TRUE(echo->serves_websocket());
  EXPECT_FALSE(echo->serves_http());
}

TEST_F(PluginsTest, EchoSendsEveryMessageBackAsItCame) {
  const auto echo = Make("echo");
  const auto handler = echo->OnSocket(socket_);
  ASSERT_NE(handler, nullptr);
  EXPECT_THAT(socket_.sent, IsEmpty());
  const std::string binary("\0\xff\x80", 3);
  Deliver(*handler, MessageKind::kText, "Hello");
  Deliver(*handler, MessageKind::kBinary, binary);
  Deliver(*handler, MessageKind::kText, "");
  handler->OnDrained();
  handler->OnClose(1000);
  EXPECT_THAT(socket_.sent,
              ElementsAre(Pair(MessageKind::kText, "Hello"), Pair(MessageKind::kBinary, binary),
                          Pair(MessageKind::kText, "")));
  EXPECT_FALSE(socket_.closed);
}

TEST_F(PluginsTest, EchoKeepsSessionsApart) {
  const auto echo = Make("echo");
  FakeSocket other;
  const auto first = echo->OnSocket(socket_);
  const auto second = echo->OnSocket(other);
  Deliver(*first, MessageKind::kText, "a");
  Deliver(*second, MessageKind::kText, "b");
  EXPECT_THAT(socket_.sent, ElementsAre(Pair(MessageKind::kText, "a")));
  EXPECT_THAT(other.sent, ElementsAre(Pair(MessageKind::kText, "b")));
}

TEST_F(PluginsTest, StatsAreJsonToGet) {
  const http::Response response = Ask("GET");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"reading\":1}");
  EXPECT_EQ(ValueOf(response, "Content-Type"), "application/json");
  EXPECT_EQ(ValueOf(response, "Cache-Control"), "no-store");
}

TEST_F(PluginsTest, StatsArePrometheusTextOnDemand) {
  const http::Response response = Ask("GET", "a=b&format=prometheus");
  EXPECT_EQ(response.body, "upgate_x 1\n");
  EXPECT_EQ(ValueOf(response, "Content-Type"), "text/plain; version=0.0.4");
  EXPECT_EQ(host_.readings, 0);
  EXPECT_EQ(ValueOf(Ask("GET", "format=other"), "Content-Type"), "application/json");
}

TEST_F(PluginsTest, StatsAnswerHeadLikeGet) {
  EXPECT_EQ(Ask("HEAD").status, 200);
  EXPECT_EQ(ValueOf(Ask("HEAD"), "Content-Type"), "application/json");
}

TEST_F(PluginsTest, StatsAreOnlyRead) {
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    const http::Response response = Ask(method);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(ValueOf(response, "Allow"), "GET, HEAD");
    EXPECT_FALSE(response.body.empty());
  }
  EXPECT_EQ(host_.readings, 0);
}

TEST_F(PluginsTest, StatsAreReadAnewForEveryMessage) {
  const auto stats = Make("stats");
  EXPECT_TRUE(stats->serves_http());
  EXPECT_TRUE(stats->serves_websocket());
  const auto handler = stats->OnSocket(socket_);
  Deliver(*handler, MessageKind::kText, "now");
  Deliver(*handler, MessageKind::kBinary, "and now");
  EXPECT_THAT(socket_.sent, ElementsAre(Pair(MessageKind::kText, "{\"reading\":1}"),
                                        Pair(MessageKind::kText, "{\"reading\":2}")));
}

}  // namespace
}  // namespace upgate::plugins
