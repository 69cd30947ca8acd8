// Small parts of a session that the pipeline tests cannot check directly.
#include <vector>

#include <gtest/gtest.h>

#include "gateway/session/read_gate.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"

namespace upgate::session {
namespace {

TEST(ReadGateTest, ReadsOnlyWhileNoReasonIsGivenAgainstIt) {
  test::FakeLoop loop;
  test::TestServer server(loop.network(), test::Address("127.0.0.1:1"));
  test::TestPeer client(loop.network(), server.address());
  loop.RunUntilIdle();
  io::ByteStream& stream = *client.stream();
  ReadGate gate;
  const auto received = [&] {
    server[0].Send("x");
    loop.RunUntilIdle();
    return client.TakeReceived().size();
  };
  EXPECT_EQ(received(), 1u);
  gate.Pause(stream, PauseReason::kFarEndFull);
  gate.Pause(stream, PauseReason::kFarEndFull);
  gate.Pause(stream, PauseReason::kOwnQueueFull);
  EXPECT_EQ(received(), 0u);
  gate.Resume(stream, PauseReason::kFarEndFull);
  EXPECT_FALSE(gate.open());
  EXPECT_EQ(received(), 0u);
  gate.Resume(stream, PauseReason::kOwnQueueFull);
  EXPECT_TRUE(gate.open());
  loop.RunUntilIdle();
  EXPECT_EQ(client.TakeReceived().size(), 2u);
}

}  // namespace
}  // namespace upgate::session
