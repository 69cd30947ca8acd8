#include "gateway/net/name_cache.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace upgate::net {
namespace {

using namespace std::chrono_literals;

io::Instant At(io::Millis time) {
  return io::Instant{time};
}

NameAnswer Good(const char* ip) {
  return std::make_shared<const Result<std::vector<Ip>>>(std::vector{*Ip::Parse(ip)});
}

NameAnswer Bad() {
  return std::make_shared<const Result<std::vector<Ip>>>(Fail(Errc::kResolve, "no"));
}

class NameCacheTest : public testing::Test {
 protected:
  // "answer" or "nothing", then "+refresh" if a lookup is due.
  std::string Look(io::Millis time, const std::string& name = "a") {
    const auto found = cache_.Find(name, At(time));
    std::string text = "nothing";
    if (found.answer != nullptr) text = *found.answer ? (**found.answer)[0].ToString() : "failure";
    return found.refresh ? text + "+refresh" : text;
  }

  NameCache cache_{{.fresh = 30s, .usable = 1h, .failed = 1s, .names = 3}};
};

TEST_F(NameCacheTest, AnswersAreFreshThenStaleThenGone) {
  EXPECT_EQ(Look(0s), "nothing+refresh");
  cache_.Store("a", Good("10.0.0.1"), At(0s));
  EXPECT_EQ(Look(29s), "10.0.0.1");
  EXPECT_EQ(Look(30s), "10.0.0.1+refresh");
  EXPECT_EQ(Look(59min), "10.0.0.1+refresh");
  EXPECT_EQ(Look(1h), "nothing+refresh");
}

TEST_F(NameCacheTest, FailuresAreBelievedForASecond) {
  cache_.Store("a", Bad(), At(0s));
  EXPECT_EQ(Look(999ms), "failure");
  EXPECT_EQ(Look(1s), "nothing+refresh");
}

TEST_F(NameCacheTest, OldAddressesServeWhileNewOnesCannotBeHad) {
  cache_.Store("a", Good("10.0.0.1"), At(0s));
  cache_.Store("a", Bad(), At(31s));
  EXPECT_EQ(Look(31s), "10.0.0.1");
  EXPECT_EQ(Look(32s), "10.0.0.1+refresh");
  cache_.Store("a", Good("10.0.0.2"), At(33s));
  EXPECT_EQ(Look(33s), "10.0.0.2");
}

TEST_F(NameCacheTest, TheNameUsedLongestAgoMakesRoom) {
  cache_.Store("a", Good("10.0.0.1"), At(1s));
  cache_.Store("b", Good("10.0.0.2"), At(2s));
  cache_.Store("c", Good("10.0.0.3"), At(3s));
  EXPECT_EQ(Look(4s, "a"), "10.0.0.1");
  cache_.Store("d", Good("10.0.0.4"), At(5s));
  EXPECT_EQ(cache_.size(), 3U);
  EXPECT_EQ(Look(6s, "b"), "nothing+refresh");
  EXPECT_EQ(Look(6s, "a"), "10.0.0.1");
  EXPECT_EQ(Look(6s, "d"), "10.0.0.4");
}

}  // namespace
}  // namespace upgate::net
