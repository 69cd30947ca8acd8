#include "gateway/app/explain_servers.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "gateway/app/prepare.h"
#include "gateway/config/parse.h"
#include "plugins/builtins.h"

namespace upgate::app::explain_servers_test {
namespace {

using testing::HasSubstr;

class ExplainServersTest : public testing::Test {
 protected:
  // A backend of three servers with these keys.
  void Use(const std::string& keys, const std::string& third = "tcp://c:1") {
    const std::string text =
        "listeners: [ { address: \"127.0.0.1:1\" } ]\nroutes: [ { path: /, backend: b } ]\n"
        "backends:\n  b:\n    servers:\n      - tcp://a:1\n"
        "      - { url: \"tcp://b:1\", weight: 2, max_sessions: 100 }\n      - " +
        third + "\n" + keys;
    auto config = config::Parse(text, "", [](const char*) -> const char* { return nullptr; });
    ASSERT_TRUE(config) << config.error().front().message;
    config_ = *config;
  }
  struct State {
    std::string url;
    int sessions = 0;
    bool up = true, ejected = false, drained = false;
  };
  std::string Choice(const std::vector<State>& states, const backend::Wish& wish = {}) {
    Json stats{{"servers", Json::array()}};
    for (const State& s : states)
      stats["servers"].push_back({{"backend", "b"},
                                  {"url", s.url},
                                  {"weight", 1},
                                  {"sessions_open", s.sessions},
                                  {"up", s.up},
                                  {"ejected", s.ejected},
                                  {"drained", s.drained}});
    plugin::Registry plugins;
    plugins::RegisterBuiltins(plugins);
    const Serving serving{
        registry_,
        {},
        nullptr,
        std::make_shared<const backend::ServersOfNames>(NamesIn(stats, *config_))};
    const Prepared prepared = Prepare(config_, plugins, &serving);
    EXPECT_TRUE(prepared);
    known_ = TakeStates(stats, **prepared);
    const auto& record = *(*prepared)->backends.at("b");
    states_.clear();
    for (std::size_t i = 0; i < record.servers.size(); ++i)
      states_.push_back(record.servers[i]->url + StateOf(record, i));
    Lines out;
    TellChoice(out, record, wish);
    return out.Take().substr(14);
  }

  stats::Registry registry_{{}, 1};
  std::shared_ptr<const config::Config> config_;
  std::size_t known_ = 0;
  std::vector<std::string> states_;
};

TEST_F(ExplainServersTest, ThoseThatCannotTakeClientsAreLeftOut) {
  Use("");
  EXPECT_EQ(Choice({{.url = "tcp://a:1"}, {.url = "tcp://b:1"}, {.url = "tcp://c:1"}}),
            "in turn, one of the 3 that can take clients\n");
  EXPECT_EQ(known_, 3u);
  EXPECT_EQ(Choice({{.url = "tcp://a:1", .sessions = 1, .ejected = true},
                    {.url = "tcp://b:1", .sessions = 100},
                    {.url = "tcp://c:1", .sessions = 7},
                    {.url = "tcp://unknown:1"}}),
            "tcp://c:1: the only one that can take clients\n");
  EXPECT_THAT(states_,
              testing::ElementsAre("tcp://a:1, ejected, 1 session", "tcp://b:1, full, 100 sessions",
                                   "tcp://c:1, 7 sessions"));
}

TEST_F(ExplainServersTest, WhereNoneCanTheAnswerIs503) {
  Use("");
  EXPECT_THAT(Choice({{.url = "tcp://a:1", .up = false},
                      {.url = "tcp://b:1", .ejected = true},
                      {.url = "tcp://c:1", .drained = true}}),
              HasSubstr("none: 503, every server is down, ejected, drained or full"));
}

TEST_F(ExplainServersTest, LeastSessionsGoesByTheWeight) {
  Use("    balance: least_sessions\n");
  EXPECT_EQ(Choice({{.url = "tcp://a:1", .sessions = 5},
                    {.url = "tcp://b:1", .sessions = 8},
                    {.url = "tcp://c:1", .sessions = 5}}),
            "tcp://b:1: the fewest sessions for its weight\n");
  EXPECT_THAT(Choice({{.url = "tcp://a:1", .sessions = 5},
                      {.url = "tcp://b:1", .sessions = 80},
                      {.url = "tcp://c:1", .sessions = 5}}),
              HasSubstr("one of the 2"));
}

TEST_F(ExplainServersTest, BackupsCountOnlyWhereNoOtherCan) {
  Use("    balance: random_two\n", "{ url: \"tcp://c:1\", backup: true }");
  EXPECT_THAT(Choice({}), HasSubstr("the better of two that are drawn out of 2"));
  EXPECT_EQ(Choice({{.url = "tcp://a:1", .up = false}, {.url = "tcp://b:1", .up = false}}),
            "tcp://c:1: the only one that can take clients\n");
}

TEST_F(ExplainServersTest, AHashGoesToTheNextWhereItsOwnCannot) {
  Use("    balance: hash\n    hash: path\n");
  const backend::Wish wish{.key = backend::HashOf("/some/path"), .server = {}};
  const std::string own = Choice({}, wish);
  EXPECT_THAT(own, HasSubstr(", by path\n"));
  const std::string url = own.substr(0, own.find(','));
  const std::string next = Choice({{.url = url, .up = false}}, wish);
  EXPECT_THAT(next, HasSubstr(", the next by path: " + url + " cannot take clients"));
}

TEST_F(ExplainServersTest, NamesHaveTheServersThatTheGatewayHas) {
  Use("", "{ url: \"tcp://name:1\", resolve: each }");
  Choice({{.url = "tcp://a:1"}, {.url = "tcp://10.0.0.1:1", .sessions = 3}});
  EXPECT_THAT(states_,
              testing::ElementsAre("tcp://a:1", "tcp://b:1", "tcp://10.0.0.1:1, 3 sessions"));
}

TEST_F(ExplainServersTest, OtherJsonIsAnException) {
  Use("");
  EXPECT_THROW(NamesIn(Json::parse("{}"), *config_), Json::exception);
  EXPECT_THROW(NamesIn(Json::parse(R"({"servers": [ {"backend": 1} ]})"), *config_),
               Json::exception);
}

}  // namespace
}  // namespace upgate::app::explain_servers_test
