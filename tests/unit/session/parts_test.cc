// The small parts of a session that the pipeline tests only see from outside.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/session/read_gate.h"
#include "gateway/session/shared_counts.h"
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

TEST(SharedCountsTest, NeverPassesTheLimitWhoeverAdds) {
  constexpr std::uint64_t kLimit = 100;
  SharedCounts counts(1);
  std::atomic<std::uint64_t> added = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        if (counts.TryAdd(0, kLimit)) ++added;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(added, kLimit);
  counts.Remove(0);
  EXPECT_TRUE(counts.TryAdd(0, kLimit));
  EXPECT_FALSE(counts.TryAdd(0, kLimit));
}

}  // namespace
}  // namespace upgate::session
