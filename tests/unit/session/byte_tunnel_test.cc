// State shared by the sessions of a loop is restored, however a session ends.
#include "gateway/session/byte_tunnel.h"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"
#include "tests/support/ws_client.h"

namespace upgate::session {
namespace {

struct Done final : Session::Owner {
  void OnSessionDone(Session&) override { done = true; }
  bool done = false;
};

TEST(ByteTunnelTest, WhatWasDecodedBeforeAnErrorIsNotKept) {
  test::FakeLoop loop;
  test::TestServer client(loop.network(), test::Address("127.0.0.1:1"));
  test::TestServer server(loop.network(), test::Address("127.0.0.1:2"));
  config::Route route;
  stats::RouteStats route_stats;
  stats::ServerStats server_stats;
  Context context(loop.io());
  Done owner;
  Facts facts;
  facts.route = &route;
  ByteTunnel tunnel(context, std::move(facts), loop.network().Dial(client.address()), nullptr,
                    loop.network().Dial(server.address()), config::Encoding::kBase64, route_stats,
                    server_stats, owner);
  tunnel.Start(test::TextFrame("QUJDREVG!"));
  EXPECT_EQ(context.bytes, "");
  EXPECT_TRUE(context.slices.empty());
  loop.RunUntilIdle();
  EXPECT_EQ(server[0].received(), "");
  EXPECT_TRUE(server[0].ended());
  server[0].Close();
  client[0].Close();
  loop.RunUntilIdle();
  EXPECT_TRUE(owner.done);
}

}  // namespace
}  // namespace upgate::session
