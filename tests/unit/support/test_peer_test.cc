#include "tests/support/test_peer.h"

#include <gtest/gtest.h>

namespace upgate::test {
namespace {

// Both ends are outside: peers talk to each other.
class TestPeerTest : public testing::Test {
 protected:
  MemoryNetwork network;
  TestServer server{network, Address("[::1]:0")};
  TestPeer client{network, server.address()};
};

TEST_F(TestPeerTest, ScriptAnswersFromInsideARun) {
  server.OnConnection([](TestPeer& peer) {
    peer.Send("hello;");
    peer.OnReceive([](TestPeer& self, std::string_view bytes) {
      self.Send(bytes);
      if (bytes == "bye") self.Close();
    });
  });
  client.Send("one");
  network.RunUntilIdle();
  EXPECT_EQ(client.TakeReceived(), "hello;one");
  EXPECT_FALSE(client.done());
  client.Send("bye");
  network.RunUntilIdle();
  EXPECT_EQ(client.received(), "bye");
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(client.done());
}

TEST_F(TestPeerTest, StalledPeerReadsNothingUntilItResumes) {
  network.RunUntilIdle();
  client.Stall();
  server[0].Send("waiting");
  server[0].Shutdown();
  network.RunUntilIdle();
  EXPECT_EQ(client.received(), "");
  EXPECT_FALSE(client.ended());
  client.Resume();
  network.RunUntilIdle();
  EXPECT_EQ(client.received(), "waiting");
  EXPECT_TRUE(client.ended());
}

TEST_F(TestPeerTest, ResetIsSeenAsSuch) {
  network.RunUntilIdle();
  client.Reset();
  EXPECT_TRUE(client.done());
  network.RunUntilIdle();
  ASSERT_TRUE(server[0].error());
  EXPECT_EQ(server[0].error()->code, Errc::kReset);
}

TEST_F(TestPeerTest, StoppedServerKeepsItsConnectionsAndRefusesNewOnes) {
  network.RunUntilIdle();
  const SocketAddress address = server.address();
  server.StopListening();
  const TestPeer late(network, address);
  EXPECT_TRUE(late.error());
  client.Send("x");
  network.RunUntilIdle();
  EXPECT_EQ(server[0].received(), "x");
}

}  // namespace
}  // namespace upgate::test
