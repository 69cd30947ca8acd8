#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config::limits_test {
namespace {

using namespace std::chrono_literals;

std::string ErrorsOfLimits(std::string_view limits) {
  return ErrorsOfRoute("    path: /\n    plugin: echo\n    limits: { " + std::string(limits) +
                       " }");
}

RouteLimits LimitsOf(std::string_view limits) {
  return Parsed("listeners: [ { address: a:1 } ]\nroutes: [ { path: /, plugin: echo, limits: { " +
                std::string(limits) + " } } ]\n")
      ->routes[0]
      .limits;
}

TEST(LimitsTest, RatesHaveATimeAndABurst) {
  const RouteLimits limits = LimitsOf(
      "handshakes: { rate: 5/s, burst: 20 }, requests: { rate: 90/m }, "
      "messages: { rate: 100/s, over: close, from: client }, bytes: { rate: 1MiB/s, burst: 4MiB }");
  EXPECT_EQ(limits.handshakes, (Rate{.amount = 5, .period = 1s, .burst = 20}));
  EXPECT_EQ(limits.requests, (Rate{.amount = 90, .period = 1min, .burst = 2}))
      << "what comes in a second";
  EXPECT_EQ(limits.messages.rate.burst, 100u);
  EXPECT_EQ(limits.messages.over, SessionRate::Over::kClose);
  EXPECT_EQ(limits.messages.from, SessionRate::From::kClient);
  EXPECT_EQ(limits.bytes.rate, (Rate{.amount = 1 << 20, .period = 1s, .burst = 4 << 20}));
  EXPECT_EQ(limits.bytes.over, SessionRate::Over::kDelay);
  EXPECT_EQ(limits.bytes.from, SessionRate::From::kBoth);
  EXPECT_EQ(LimitsOf("handshakes: { rate: 3/h }").handshakes.burst, 1u);
}

TEST(LimitsTest, WrongRatesAreExplained) {
  EXPECT_EQ(ErrorsOfLimits("handshakes: { rate: 5 }"),
            "5:35: routes[0].limits.handshakes.rate: '5' has no time; write 5/s, /m or /h\n");
  EXPECT_EQ(ErrorsOfLimits("handshakes: { rate: 5/d }"),
            "5:35: routes[0].limits.handshakes.rate: '5/d' has an unknown time; write 5/s, /m or "
            "/h\n");
  EXPECT_EQ(ErrorsOfLimits("requests: { rate: many/s }"),
            "5:33: routes[0].limits.requests.rate: 'many/s' is not a rate such as 5/s (s, m or "
            "h)\n");
  EXPECT_EQ(ErrorsOfLimits("requests: { rate: 0/s }"),
            "5:33: routes[0].limits.requests.rate: '0/s' is out of range; use 1/h to "
            "1000000000/s\n");
  EXPECT_EQ(ErrorsOfLimits("requests: { burst: 5 }"),
            "5:25: routes[0].limits.requests.rate: missing; needs a rate such as 5/s (s, m or "
            "h)\n");
  EXPECT_EQ(ErrorsOfLimits("requests: { rate: 5/s, burst: 0 }"),
            "5:45: routes[0].limits.requests.burst: '0' is out of range; use 1 to "
            "1099511627776\n");
  EXPECT_EQ(ErrorsOfLimits("bytes: { rate: 1MB/s }"),
            "5:30: routes[0].limits.bytes.rate: '1MB/s' has an unknown unit; did you mean 1MiB?\n");
  EXPECT_EQ(ErrorsOfLimits("messages: { rate: 5/s, over: drop }"),
            "5:44: routes[0].limits.messages.over: 'drop' is not delay or close\n");
  EXPECT_EQ(ErrorsOfLimits("messages: { rate: 5/s, by: user }"),
            "5:38: routes[0].limits.messages.by: unknown key; known here: rate, burst, over, "
            "from\n");
  EXPECT_EQ(ErrorsOfLimits("messages: 5/s"),
            "5:25: routes[0].limits.messages: is text; needs a map with the keys rate, burst, "
            "over, from\n");
}

TEST(LimitsTest, UsersAreKnownOnRoutesWithAuth) {
  EXPECT_EQ(ErrorsOfLimits("by: user, handshakes: { rate: 5/s }"),
            "5:19: routes[0].limits.by: 'user' needs auth on this route; nobody has a name without "
            "it\n");
  EXPECT_EQ(ErrorsOfLimits("by: name"),
            "5:19: routes[0].limits.by: 'name' is not address or user\n");
}

TEST(LimitsTest, OverloadIsOfMemoryAndTime) {
  EXPECT_EQ(ErrorsOfTop("overload: { memory: 80, loop_lag: 2h }"),
            "1:21: overload.memory: '80' is not enough to serve any client; use 16MiB or more\n"
            "1:35: overload.loop_lag: '2h' is out of range; use 0 to 1m\n");
  EXPECT_EQ(ErrorsOfTop("overload: { memory: 70%, loop_lag: 0 }"), "");
}

TEST(LimitsTest, ListenersHaveLimitsByClientToo) {
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    connections_per_client: 0"),
            "4:29: listeners[0].connections_per_client: '0' is out of range; use 1 to "
            "1000000000\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    accept_rate: 5/s"),
            "4:18: listeners[0].accept_rate: is text; needs a map with the keys rate, burst\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    accept_rate: { rate: 500/s }"), "");
}

}  // namespace
}  // namespace upgate::config::limits_test
