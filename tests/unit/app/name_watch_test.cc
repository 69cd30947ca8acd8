#include "gateway/app/name_watch.h"

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/parse.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_timers.h"

namespace upgate::app::name_watch_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class HeldBackground final : public Background {
 public:
  bool Run(Task work, Task done) override {
    jobs_.emplace_back(std::move(work), std::move(done));
    return true;
  }
  void Work() {
    while (!jobs_.empty()) {
      auto [work, done] = std::move(jobs_.front());
      jobs_.pop_front();
      work();
      done();
    }
  }
  std::size_t waiting() const { return jobs_.size(); }

 private:
  std::deque<std::pair<Task, Task>> jobs_;
};

class NameWatchTest : public testing::Test {
 protected:
  // Names that were looked up, and had no addresses.
  static backend::ServersOfNames Known() {
    return {{{"a", "ws://a.test"}, {}}, {{"b", "ws://b.test"}, {}}};
  }
  void Watch(std::string_view backends, backend::ServersOfNames names = Known()) {
    const std::string text = "listeners: [ { address: \"127.0.0.1:0\" } ]\nbackends:\n" +
                             std::string(backends) + "routes: [ { path: /, backend: a } ]\n";
    const auto config = config::Parse(text, "", [](const char*) -> const char* { return nullptr; });
    ASSERT_TRUE(config) << config.error().front().message;
    generation_.config = *config;
    generation_.names = std::make_shared<const backend::ServersOfNames>(std::move(names));
    watch_.Watch(generation_);
  }
  std::vector<NameAnswer> Answer(const std::vector<NamedServer>& names) {
    std::vector<NameAnswer> answers;
    for (const NamedServer& named : names) {
      asked_.push_back(named.server.url);
      NameAnswer answer{{named.backend, named.server.url}, Fail(Errc::kResolve, "gone")};
      if (!addresses_.empty()) answer.servers = backend::ServersAt(named.server, addresses_);
      answers.push_back(std::move(answer));
    }
    return answers;
  }
  std::vector<std::string> UrlsOf(const std::string& backend, const std::string& url) {
    std::vector<std::string> urls;
    for (const auto& server : changed_.back()[{backend, url}]) urls.push_back(server.url);
    return urls;
  }
  void Advance(io::Millis time) {
    timers_.Advance(time);
    background_.Work();
  }

  test::FakeTimers timers_;
  HeldBackground background_;
  test::CaptureLog log_;
  upgrade::Generation generation_;
  std::vector<Ip> addresses_{*Ip::Parse("10.0.0.1")};
  std::vector<std::string> asked_;
  std::vector<backend::ServersOfNames> changed_;
  NameWatch watch_{timers_, background_, log_, [this](const auto& names) { return Answer(names); },
                   [this](backend::ServersOfNames names) { changed_.push_back(std::move(names)); }};
};

constexpr std::string_view kTwo = R"(
  a: { servers: [ { url: "ws://a.test", resolve: each } ] }
  b: { servers: [ { url: "ws://b.test", resolve: each }, ws://c.test ], resolve_interval: 50s }
)";

TEST_F(NameWatchTest, NamesAreLookedUpAtTheirIntervals) {
  Watch(kTwo);
  Advance(29s);
  EXPECT_THAT(asked_, ElementsAre());
  Advance(1s);
  EXPECT_THAT(asked_, ElementsAre("ws://a.test"));
  Advance(20s);
  EXPECT_THAT(asked_, ElementsAre("ws://a.test", "ws://b.test"));
  Advance(10s);
  EXPECT_EQ(asked_.size(), 3u);
  EXPECT_EQ(timers_.armed(), 1u);
}

TEST_F(NameWatchTest, ANameThatCouldNotBeLookedUpBeforeIsAtOnce) {
  addresses_.clear();
  Watch(kTwo, {{{"b", "ws://b.test"}, {}}});
  Advance(1ms);
  EXPECT_THAT(asked_, ElementsAre("ws://a.test"));
  EXPECT_EQ(log_.Count("name not looked up"), 1u) << "the start has not said so";
  Advance(29s);
  EXPECT_EQ(asked_.size(), 1u);
  Advance(1s);
  EXPECT_THAT(asked_, ElementsAre("ws://a.test", "ws://a.test"));
}

TEST_F(NameWatchTest, OnlyAChangeIsToldAndTheNextOneIsComparedWithWhatServes) {
  Watch(kTwo);
  Advance(30s);
  ASSERT_EQ(changed_.size(), 1u);
  EXPECT_THAT(UrlsOf("a", "ws://a.test"), ElementsAre("ws://10.0.0.1:80"));
  Advance(30s);
  EXPECT_EQ(changed_.size(), 2u) << "it was not taken";
  Watch(kTwo, changed_.back());
  Advance(30s);
  EXPECT_EQ(changed_.size(), 3u) << "now for the other name";
  Watch(kTwo, changed_.back());
  Advance(100s);
  EXPECT_EQ(changed_.size(), 3u);
  addresses_.push_back(*Ip::Parse("10.0.0.2"));
  Advance(30s);
  EXPECT_EQ(changed_.size(), 4u);
  EXPECT_THAT(UrlsOf("a", "ws://a.test"), ElementsAre("ws://10.0.0.1:80", "ws://10.0.0.2:80"));
}

TEST_F(NameWatchTest, ANameThatCannotBeLookedUpKeepsItsServersAndIsALineOnce) {
  Watch(kTwo);
  Advance(30s);
  Watch(kTwo, changed_.back());
  addresses_.clear();
  for (int i = 0; i < 3; ++i) Advance(30s);
  EXPECT_EQ(changed_.size(), 1u);
  EXPECT_EQ(log_.Count("name not looked up"), 2u) << "one for each name";
  addresses_ = {*Ip::Parse("10.0.0.9")};
  for (int i = 0; i < 2; ++i) Advance(30s);
  EXPECT_THAT(UrlsOf("a", "ws://a.test"), ElementsAre("ws://10.0.0.9:80"));
}

TEST_F(NameWatchTest, ALookupThatHangsIsNotRepeated) {
  Watch(kTwo);
  timers_.Advance(30s);
  timers_.Advance(300s);
  EXPECT_EQ(background_.waiting(), 1u);
  background_.Work();
  Advance(1ms);
  EXPECT_EQ(asked_.size(), 3u) << "both are due";
}

TEST_F(NameWatchTest, AnAnswerForANameThatIsGoneMeansNothing) {
  Watch(kTwo);
  timers_.Advance(30s);
  Watch("  a: { servers: [ ws://x.test ] }\n");
  background_.Work();
  EXPECT_EQ(changed_.size(), 0u);
  EXPECT_EQ(timers_.armed(), 0u) << "nothing to look up";
}

}  // namespace
}  // namespace upgate::app::name_watch_test
