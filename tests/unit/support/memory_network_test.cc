#include "tests/support/memory_network.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "gateway/base/text.h"
#include "tests/support/test_peer.h"

namespace upgate::test {
namespace {

struct Acceptor final : io::AcceptHandler {
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override {
    accepted.push_back(std::move(stream));
  }
  std::vector<std::unique_ptr<io::ByteStream>> accepted;
};

struct Connector final : io::ConnectHandler {
  void OnConnected(std::unique_ptr<io::ByteStream> connected) override {
    stream = std::move(connected);
    if (drop_pending) pending.reset();
  }
  void OnConnectFailed(const Error& why) override {
    error = why;
    if (drop_pending) pending.reset();
  }
  std::unique_ptr<io::ByteStream> stream;
  std::optional<Error> error;
  std::unique_ptr<io::Pending> pending;
  bool drop_pending = true;
};

struct Resolution final : io::ResolveHandler {
  void OnResolved(const std::vector<Ip>& found) override {
    for (const Ip& ip : found) addresses.push_back(ip.ToString());
  }
  void OnResolveFailed(const Error& why) override { error = why; }
  std::vector<std::string> addresses;
  std::optional<Error> error;
};

const SocketAddress kServer = Address("10.0.0.1:80");

TEST(MemoryNetworkTest, ConnectsAnInsideClientToAnOutsideServer) {
  MemoryNetwork network;
  TestServer server(network, kServer);
  Connector client;
  client.pending = network.Connect(kServer, client);
  EXPECT_EQ(client.stream, nullptr) << "events never come from inside a call";
  network.RunUntilIdle();
  ASSERT_NE(client.stream, nullptr);
  ASSERT_EQ(server.size(), 1u);
  EXPECT_EQ(client.stream->peer_address(), kServer);
  EXPECT_EQ(server[0].stream()->peer_address(), client.stream->local_address());
  client.stream->Write(AsBytes("hello"));
  network.RunUntilIdle();
  EXPECT_EQ(server[0].received(), "hello");
}

TEST(MemoryNetworkTest, ClientsAddressIsWhatTheTestSays) {
  MemoryNetwork network;
  Acceptor acceptor;
  const auto listener = network.Listen(kServer, {}, acceptor);
  ASSERT_TRUE(listener);
  TestPeer client(network, kServer, Address("[2001:db8::7]:999"));
  network.RunUntilIdle();
  ASSERT_EQ(acceptor.accepted.size(), 1u);
  EXPECT_EQ(ToString(acceptor.accepted[0]->peer_address()), "[2001:db8::7]:999");
  EXPECT_EQ(acceptor.accepted[0]->local_address(), kServer);
}

TEST(MemoryNetworkTest, PortZeroPicksOneAndWildcardsMatch) {
  MemoryNetwork network;
  Acceptor acceptor;
  const auto any4 = network.Listen(Address("0.0.0.0:0"), {}, acceptor);
  ASSERT_TRUE(any4);
  const std::uint16_t port = std::get<IpPort>((*any4)->address()).port;
  EXPECT_NE(port, 0);
  EXPECT_NE(network.Dial(IpPort{*Ip::Parse("127.0.0.9"), port}), nullptr);
  EXPECT_EQ(network.Dial(IpPort{*Ip::Parse("::1"), port}), nullptr);
  const auto any6 = network.Listen(IpPort{*Ip::Parse("::"), port}, {}, acceptor);
  ASSERT_TRUE(any6);
  EXPECT_NE(network.Dial(IpPort{*Ip::Parse("::1"), port}), nullptr);
}

TEST(MemoryNetworkTest, TakenAddressIsRefusedUntilItsListenerIsGone) {
  MemoryNetwork network;
  Acceptor acceptor;
  auto first = network.Listen(Address("unix:/run/a"), {}, acceptor);
  ASSERT_TRUE(first);
  auto second = network.Listen(Address("unix:/run/a"), {}, acceptor);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kAddressInUse);
  first->reset();
  EXPECT_TRUE(network.Listen(Address("unix:/run/a"), {}, acceptor));
  network.FailListens(Address("1.2.3.4:1"), {Errc::kPermission, "no"});
  EXPECT_EQ(network.Listen(Address("1.2.3.4:1"), {}, acceptor).error().code, Errc::kPermission);
}

TEST(MemoryNetworkTest, NobodyListening) {
  MemoryNetwork network;
  Connector tcp, file;
  tcp.pending = network.Connect(kServer, tcp);
  file.pending = network.Connect(Address("unix:/nowhere"), file);
  network.RunUntilIdle();
  ASSERT_TRUE(tcp.error && file.error);
  EXPECT_EQ(tcp.error->code, Errc::kRefused);
  EXPECT_EQ(file.error->code, Errc::kUnreachable);
  const TestPeer peer(network, kServer);
  ASSERT_TRUE(peer.error());
  EXPECT_EQ(peer.error()->code, Errc::kRefused);
}

TEST(MemoryNetworkTest, AttemptsCanHangFailOrBeReset) {
  MemoryNetwork network;
  TestServer server(network, kServer);
  Connector hung, failed, reset, fine;

  network.HangConnects(kServer);
  hung.pending = network.Connect(kServer, hung);
  network.RunUntilIdle();
  EXPECT_FALSE(hung.stream || hung.error);
  hung.pending.reset();

  network.FailConnects(kServer, {Errc::kTimeout, "no answer"});
  failed.pending = network.Connect(kServer, failed);
  network.RunUntilIdle();
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->code, Errc::kTimeout);

  network.ResetConnects(kServer);
  reset.pending = network.Connect(kServer, reset);
  network.RunUntilIdle();
  ASSERT_NE(reset.stream, nullptr);
  TestPeer watcher(
      std::unique_ptr<MemoryStream>(dynamic_cast<MemoryStream*>(reset.stream.release())));
  network.RunUntilIdle();
  ASSERT_TRUE(watcher.error());
  EXPECT_EQ(watcher.error()->code, Errc::kReset);

  network.AllowConnects(kServer);
  fine.pending = network.Connect(kServer, fine);
  network.RunUntilIdle();
  EXPECT_NE(fine.stream, nullptr);
  EXPECT_EQ(server.size(), 1u);
}

TEST(MemoryNetworkTest, DestroyingAPendingOperationCancelsIt) {
  MemoryNetwork network;
  TestServer server(network, kServer);
  Connector client;
  Resolution names;
  client.pending = network.Connect(kServer, client);
  auto lookup = network.Resolve("localhost", names);
  client.pending.reset();
  lookup.reset();
  network.RunUntilIdle();
  EXPECT_FALSE(client.stream || client.error);
  EXPECT_TRUE(names.addresses.empty());
  EXPECT_EQ(server.size(), 0u);
}

TEST(MemoryNetworkTest, ConnectionsThatWereNeverAcceptedAreReset) {
  MemoryNetwork network;
  Acceptor acceptor;
  auto listener = network.Listen(kServer, {}, acceptor);
  TestPeer client(network, kServer);
  listener->reset();
  network.RunUntilIdle();
  ASSERT_TRUE(client.error());
  EXPECT_EQ(client.error()->code, Errc::kReset);
}

TEST(MemoryNetworkTest, NamesAndLiterals) {
  MemoryNetwork network;
  network.SetHost("two.test", {*Ip::Parse("10.0.0.1"), *Ip::Parse("::5")});
  network.FailHost("bad.test", {Errc::kTimeout, "no name server"});
  network.HangHost("slow.test");
  const auto resolve = [&](const std::string& host) {
    Resolution result;
    const auto pending = network.Resolve(host, result);
    EXPECT_TRUE(result.addresses.empty());
    network.RunUntilIdle();
    return result;
  };
  EXPECT_EQ(resolve("two.test").addresses, (std::vector<std::string>{"10.0.0.1", "::5"}));
  EXPECT_EQ(resolve("192.0.2.1").addresses, (std::vector<std::string>{"192.0.2.1"}));
  EXPECT_EQ(resolve("localhost").addresses, (std::vector<std::string>{"127.0.0.1"}));
  EXPECT_EQ(resolve("bad.test").error.value().code, Errc::kTimeout);
  EXPECT_EQ(resolve("unknown.test").error.value().code, Errc::kResolve);
  const Resolution slow = resolve("slow.test");
  EXPECT_FALSE(slow.error || !slow.addresses.empty());
}

TEST(MemoryNetworkTest, EveryInsideOperationCanBeMadeToFail) {
  // connect, write, read: three operations; operations of the outside are not counted.
  const auto scenario = [](std::uint64_t fail_at) {
    MemoryNetwork network;
    if (fail_at != 0) network.FailOperation(fail_at);
    TestServer server(network, kServer);
    server.OnConnection([](TestPeer& peer) {
      peer.OnReceive([](TestPeer& self, std::string_view) { self.Send("answer"); });
    });
    Connector client;
    client.pending = network.Connect(kServer, client);
    network.RunUntilIdle();
    std::string got = client.error ? "connect failed" : "";
    if (client.stream) {
      TestPeer end(
          std::unique_ptr<MemoryStream>(dynamic_cast<MemoryStream*>(client.stream.release())));
      end.Send("question");
      network.RunUntilIdle();
      got = end.error() ? "error" : end.received();
      EXPECT_EQ(server[0].received(), fail_at == 2 ? "" : "question");
      EXPECT_EQ(server[0].error().has_value(), fail_at != 0);
    }
    EXPECT_EQ(network.operation_failed(), fail_at != 0);
    return std::pair(network.operations(), got);
  };
  EXPECT_EQ(scenario(0), std::pair(std::uint64_t{3}, std::string("answer")));
  EXPECT_EQ(scenario(1).second, "connect failed");
  EXPECT_EQ(scenario(2).second, "error");
  EXPECT_EQ(scenario(3).second, "error");
}

TEST(MemoryNetworkTest, LeftoversInsideAreReportedAndHarmless) {
  auto network = std::make_unique<MemoryNetwork>();
  Acceptor acceptor;
  auto listener = network->Listen(kServer, {}, acceptor);
  TestPeer outside(*network, kServer);
  network->RunUntilIdle();
  ASSERT_EQ(acceptor.accepted.size(), 1u);
  EXPECT_EQ(network->stream_count(), 1u);
  listener->reset();
  EXPECT_NONFATAL_FAILURE(network.reset(), "stream 10.0.0.1:80 <- 127.0.0.1:40000");
  acceptor.accepted[0]->Write(AsBytes("nobody there"));
  outside.Send("nobody there");
}

TEST(MemoryNetworkTest, RunningFromInsideACallbackIsReported) {
  MemoryNetwork network;
  TestServer server(network, kServer);
  server.OnConnection([&](TestPeer&) { network.RunOnce(); });
  TestPeer client(network, kServer);
  EXPECT_NONFATAL_FAILURE(network.RunUntilIdle(), "from inside one of its own callbacks");
}

}  // namespace
}  // namespace upgate::test
