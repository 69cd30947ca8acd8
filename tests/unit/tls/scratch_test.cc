#include "gateway/tls/scratch.h"

#include <optional>

#include <gtest/gtest.h>

namespace upgate::tls::test {
namespace {

using namespace std::chrono_literals;

constexpr io::Instant At(io::Millis time) {
  return io::Instant{} + time;
}

struct Handshake final : Scratch::UnderWay::Owner {
  Handshake(Scratch& scratch, io::Millis begin) { under_way.emplace(scratch, At(begin), *this); }
  void OnNoRoom() override {
    ended = true;
    under_way->Leave();
  }
  bool ended = false;
  std::optional<Scratch::UnderWay> under_way;
};

TEST(UnderWayTest, TheOneThatHasWaitedLongestMakesRoom) {
  Scratch scratch;
  Handshake first(scratch, 0ms);
  Handshake second(scratch, 10ms);
  Handshake third(scratch, 20ms);
  EXPECT_FALSE(scratch.EndStalled(At(999ms), 1s));
  EXPECT_TRUE(scratch.EndStalled(At(1020ms), 1s));
  EXPECT_TRUE(first.ended);
  EXPECT_FALSE(second.ended);
  second.under_way->OnFlight(At(1000ms));
  EXPECT_TRUE(scratch.EndStalled(At(1020ms), 1s));
  EXPECT_TRUE(third.ended);
  EXPECT_FALSE(scratch.EndStalled(At(1999ms), 1s));
  EXPECT_TRUE(scratch.EndStalled(At(2000ms), 1s));
  EXPECT_TRUE(second.ended);
  EXPECT_FALSE(scratch.EndStalled(At(9s), 1s));
  EXPECT_EQ(scratch.client_handshakes(), 0u);
}

TEST(UnderWayTest, ThoseWithWorkForTheGatewayStay) {
  Scratch scratch;
  Handshake first(scratch, 0ms);
  Handshake second(scratch, 0ms);
  first.under_way->SetWorking(true);
  first.under_way->SetWorking(true);
  EXPECT_EQ(scratch.working_handshakes(), 1u);
  EXPECT_TRUE(scratch.EndStalled(At(1s), 1s));
  EXPECT_TRUE(second.ended);
  EXPECT_FALSE(scratch.EndStalled(At(1s), 1s));
  first.under_way->SetWorking(false);
  EXPECT_EQ(scratch.working_handshakes(), 0u);
  EXPECT_TRUE(scratch.EndStalled(At(1s), 1s));
}

TEST(UnderWayTest, ThoseWithServersStayAndOnlyCountWhileAtWork) {
  Scratch scratch;
  Handshake one(scratch, 0ms);
  one.under_way->BeClient();
  EXPECT_EQ(scratch.client_handshakes(), 0u);
  one.under_way->OnFlight(At(1s));
  EXPECT_EQ(scratch.client_handshakes(), 0u);
  EXPECT_FALSE(scratch.EndStalled(At(9s), 1s));
  one.under_way->SetWorking(true);
  EXPECT_EQ(scratch.working_handshakes(), 1u);
}

TEST(UnderWayTest, EachLeavesOnce) {
  Scratch scratch;
  Handshake first(scratch, 0ms);
  Handshake second(scratch, 0ms);
  Handshake third(scratch, 0ms);
  second.under_way->SetWorking(true);
  second.under_way.reset();
  EXPECT_EQ(scratch.client_handshakes(), 2u);
  EXPECT_EQ(scratch.working_handshakes(), 0u);
  third.under_way->Leave();
  third.under_way.reset();
  EXPECT_EQ(scratch.client_handshakes(), 1u);
  first.under_way.reset();
  EXPECT_EQ(scratch.client_handshakes(), 0u);
  EXPECT_FALSE(scratch.EndStalled(At(9s), 1s));
}

}  // namespace
}  // namespace upgate::tls::test
