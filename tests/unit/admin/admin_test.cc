#include "gateway/admin/admin.h"

#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "gateway/http/front.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"
#include "tests/support/ws_client.h"

namespace upgate::admin {
namespace {

struct FixedStats final : plugin::StatsSource {
  Text StatsJson() const override { return std::make_shared<const std::string>(R"({"n":1})"); }
  Text StatsPrometheus() const override {
    return std::make_shared<const std::string>("upgate_n 1\n");
  }
};

class AdminTest : public testing::Test {
 protected:
  AdminTest() : front_(loop_.io(), options_, nullptr, {}, scratch_, admin_, places_) {
    EXPECT_TRUE(front_.Listen(test::Address("127.0.0.1:9901"), {}));
  }
  ~AdminTest() override { front_.Abort(); }

  struct Answer {
    test::ResponseHead head;
    std::string body;
  };
  Answer Ask(const std::string& request_line) {
    test::TestPeer peer(loop_.network(), test::Address("127.0.0.1:9901"));
    peer.Send(request_line + " HTTP/1.1\r\nHost: admin\r\n\r\n");
    loop_.RunUntilIdle();
    std::string bytes = peer.TakeReceived();
    Answer answer;
    answer.head = test::TakeResponseHead(bytes).value_or(test::ResponseHead{});
    answer.body = test::TakeBody(answer.head, bytes).value_or("");
    return answer;
  }

  // Declared before the loop, because the loop's deferred deletions return places.
  test::CaptureLog log_;
  stats::ListenerStats stats_;
  http::ClientPlaces places_{"admin", {}, stats_, log_};
  test::FakeLoop loop_;
  FixedStats host_;
  bool ready_ = true;
  struct Reloads final : Control {
    void Reload(const std::string& caller, std::function<void(const ReloadResult&)> done) override {
      callers.push_back(caller);
      waiting.push_back(std::move(done));
    }
    std::string ConfigText() const override { return "routes: []\n"; }
    void SetLogLevel(const std::string& caller, LogLevel level, std::string_view name) override {
      callers.push_back(caller);
      level_set = level;
      level_name = name;
    }
    std::optional<LogLevel> level_set;
    std::string level_name;
    std::vector<std::string> callers;
    std::vector<std::function<void(const ReloadResult&)>> waiting;
  };
  Reloads control_;
  Admin admin_{host_, [this] { return ready_ ? "" : "shutting down"; }, control_};
  std::shared_ptr<const http::ServerOptions> options_ = std::make_shared<http::ServerOptions>();
  tls::Scratch scratch_;
  http::Front front_;
};

TEST_F(AdminTest, GivesTheNumbersInBothForms) {
  const Answer json = Ask("GET /stats");
  EXPECT_EQ(json.head.status, 200);
  EXPECT_EQ(json.head.Get("Content-Type"), "application/json");
  EXPECT_EQ(json.body, R"({"n":1})");
  const Answer text = Ask("GET /metrics");
  EXPECT_EQ(text.head.Get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(text.body, "upgate_n 1\n");
}

TEST_F(AdminTest, IsAliveWhileItDrainsButNotReady) {
  EXPECT_EQ(Ask("GET /healthz").head.status, 200);
  EXPECT_EQ(Ask("GET /readyz").head.status, 200);
  ready_ = false;
  EXPECT_EQ(Ask("GET /healthz").head.status, 200);
  EXPECT_EQ(Ask("GET /readyz").head.status, 503);
}

TEST_F(AdminTest, IsReadOnlyAndSaysWhatItHas) {
  const Answer post = Ask("POST /stats");
  EXPECT_EQ(post.head.status, 405);
  EXPECT_EQ(post.head.Get("Allow"), "GET, HEAD");
  EXPECT_EQ(Ask("GET /").head.status, 200);
  const Answer unknown = Ask("GET /stat");
  EXPECT_EQ(unknown.head.status, 404);
  for (const auto* path : {"/metrics", "/reload", "/log", "/sessions", "/drain", "/undrain"})
    EXPECT_THAT(unknown.body, testing::HasSubstr(path));
  EXPECT_EQ(Ask("POST /stat").head.status, 404);
}

TEST_F(AdminTest, GivesTheConfiguration) {
  const Answer answer = Ask("GET /config");
  EXPECT_EQ(answer.head.status, 200);
  EXPECT_EQ(answer.head.Get("Content-Type"), "application/yaml");
  EXPECT_EQ(answer.body, "routes: []\n");
}

TEST_F(AdminTest, SetsTheLevelOfTheLog) {
  const Answer answer = Ask("POST /log?level=debug");
  EXPECT_EQ(answer.head.status, 200);
  EXPECT_EQ(nlohmann::json::parse(answer.body), nlohmann::json::parse(R"({"level":"debug"})"));
  EXPECT_EQ(control_.level_set, LogLevel::kDebug);
  EXPECT_EQ(control_.level_name, "debug");
  EXPECT_THAT(control_.callers.at(0), testing::StartsWith("admin client 127.0.0.1:"));
}

TEST_F(AdminTest, SetsNoOtherLevel) {
  for (const auto* request : {"POST /log", "POST /log?level=", "POST /log?level=off",
                              "POST /log?level=DEBUG", "POST /log?debug"}) {
    const Answer answer = Ask(request);
    EXPECT_EQ(answer.head.status, 400) << request;
    EXPECT_TRUE(nlohmann::json::parse(answer.body).at("error").is_string());
  }
  EXPECT_FALSE(control_.level_set);
}

TEST_F(AdminTest, ChangesNothingByGet) {
  for (const auto* request : {"GET /log?level=debug", "GET /reload", "DELETE /reload"}) {
    const Answer answer = Ask(request);
    EXPECT_EQ(answer.head.status, 405) << request;
    EXPECT_EQ(answer.head.Get("Allow"), "POST") << request;
  }
  EXPECT_FALSE(control_.level_set);
}

TEST_F(AdminTest, ErrorsAreJson) {
  for (const auto* request : {"POST /stats", "GET /nothing"})
    EXPECT_TRUE(nlohmann::json::parse(Ask(request).body).at("error").is_string()) << request;
}

TEST_F(AdminTest, AReloadIsAnsweredWhenItIsOver) {
  test::TestPeer peer(loop_.network(), test::Address("127.0.0.1:9901"));
  peer.Send("POST /reload HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\n\r\n");
  loop_.RunUntilIdle();
  EXPECT_EQ(peer.received(), "");
  ASSERT_EQ(control_.waiting.size(), 1u);
  EXPECT_THAT(control_.callers[0], testing::StartsWith("admin client "));
  control_.waiting[0]({.ok = true,
                       .generation = 7,
                       .changes = {{"route", "/a", "added"}},
                       .needs_restart = {"workers"},
                       .file = "f.yaml",
                       .errors = {}});
  loop_.RunUntilIdle();
  std::string bytes = peer.TakeReceived();
  const auto head = test::TakeResponseHead(bytes).value_or(test::ResponseHead{});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(nlohmann::json::parse(test::TakeBody(head, bytes).value_or("")),
            nlohmann::json::parse(R"({"ok": true, "generation": 7, "needs_restart": ["workers"],
              "changes": [{"what": "route", "name": "/a", "change": "added"}]})"));
}

TEST_F(AdminTest, AReloadThatIsRefusedTellsEveryError) {
  test::TestPeer peer(loop_.network(), test::Address("127.0.0.1:9901"));
  peer.Send("POST /reload HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\n\r\n");
  loop_.RunUntilIdle();
  ASSERT_EQ(control_.waiting.size(), 1u);
  control_.waiting[0]({.ok = false,
                       .generation = 1,
                       .changes = {},
                       .needs_restart = {},
                       .file = "f.yaml",
                       .errors = {{{3, 5}, "routes", "is \"wrong\""}}});
  loop_.RunUntilIdle();
  std::string bytes = peer.TakeReceived();
  const auto head = test::TakeResponseHead(bytes).value_or(test::ResponseHead{});
  EXPECT_EQ(head.status, 422);
  EXPECT_EQ(nlohmann::json::parse(test::TakeBody(head, bytes).value_or("")),
            nlohmann::json::parse(R"({"ok": false, "errors": [{"file": "f.yaml", "line": 3,
              "column": 5, "key": "routes", "message": "is \"wrong\""}]})"));
}

TEST_F(AdminTest, WhoAskedForAReloadMayGo) {
  {
    test::TestPeer peer(loop_.network(), test::Address("127.0.0.1:9901"));
    peer.Send("POST /reload HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\n\r\n");
    loop_.RunUntilIdle();
    peer.Reset();
    loop_.RunUntilIdle();
  }
  ASSERT_EQ(control_.waiting.size(), 1u);
  control_.waiting[0]({});
  loop_.RunUntilIdle();
}

}  // namespace
}  // namespace upgate::admin
