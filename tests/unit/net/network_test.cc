#include "gateway/net/network.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/net/fd.h"
#include "gateway/net/listener.h"
#include "gateway/net/socket.h"
#include "tests/unit/net/net_fixture.h"

namespace upgate::net {
namespace {

using namespace std::chrono_literals;

// A raw socket outside of the loop, for behaviour that the loop's own sockets do not have.
UniqueFd RawListener(const SocketAddress& address, int backlog) {
  const RawAddress raw = *ToRaw(address);
  UniqueFd fd(::socket(raw.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), raw.get(), raw.length), 0);
  if (backlog >= 0) {
    EXPECT_EQ(::listen(fd.get(), backlog), 0);
  }
  return fd;
}

UniqueFd RawClient(const SocketAddress& address) {
  const RawAddress raw = *ToRaw(address);
  UniqueFd fd(::socket(raw.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(fd.get(), raw.get(), raw.length), 0);
  return fd;
}

class NetworkTest : public testing::Test {
 protected:
  bool Until(const std::function<bool()>& done) { return RunUntil(loop_, done); }
  // A sanitizer needs descriptors when it first checks the type of this object.
  void WarmUp() {
    EXPECT_TRUE(Until([] { return true; }));
  }

  std::unique_ptr<io::Listener> Listen(const SocketAddress& address) {
    auto listener = loop_.view().network.Listen(address, {}, acceptor_);
    EXPECT_TRUE(listener) << listener.error().message;
    return listener ? std::move(*listener) : nullptr;
  }

  std::optional<Errc> ListenError(const SocketAddress& address) {
    const auto listener = loop_.view().network.Listen(address, {}, acceptor_);
    if (listener) return std::nullopt;
    EXPECT_NE(listener.error().message.find("listen on " + ToString(address)), std::string::npos)
        << listener.error().message;
    return listener.error().code;
  }

  void Connect(const SocketAddress& address) {
    connector_.pending = loop_.view().network.Connect(address, connector_);
    EXPECT_FALSE(connector_.done());
  }

  std::optional<Errc> ConnectError(const SocketAddress& address) {
    Connect(address);
    EXPECT_TRUE(Until([&] { return connector_.done(); }));
    EXPECT_FALSE(connector_.pending);
    return connector_.error ? std::optional(connector_.error->code) : std::nullopt;
  }

  TempDirectory directory_;
  Loop loop_{PollerUnderTest()};
  Acceptor acceptor_;
  Connector connector_;
};

TEST_F(NetworkTest, ARefusedConnectionIsReportedLater) {
  // Bound but not listening: reserves the port.
  const UniqueFd bound = RawListener(kLoopback, -1);
  EXPECT_EQ(ConnectError(FromRaw(LocalAddress(bound.get()))), Errc::kRefused);
  EXPECT_EQ(connector_.error->message, "connect: connection refused");
}

TEST_F(NetworkTest, AnAbsentUnixSocketIsUnreachableAndAStaleOneRefuses) {
  EXPECT_EQ(ConnectError(UnixPath{directory_.File("absent")}), Errc::kUnreachable);
  connector_.error.reset();
  const UnixPath path{directory_.File("stale")};
  RawListener(path, 1);
  EXPECT_EQ(ConnectError(path), Errc::kRefused);
}

TEST_F(NetworkTest, APathThatCannotBeASocketFails) {
  EXPECT_EQ(ConnectError(UnixPath{std::string(200, 'x')}), Errc::kOther);
  EXPECT_FALSE(loop_.view().network.Listen(UnixPath{std::string(200, 'x')}, {}, acceptor_));
  EXPECT_FALSE(loop_.view().network.Listen(UnixPath{""}, {}, acceptor_));
}

TEST_F(NetworkTest, ACancelledConnectMakesNoCallback) {
  const auto listener = Listen(kLoopback);
  const UniqueFd bound = RawListener(kLoopback, -1);
  Connect(listener->address());
  connector_.pending.reset();
  Connect(FromRaw(LocalAddress(bound.get())));
  connector_.pending.reset();
  Connect(UnixPath{directory_.File("absent")});
  connector_.pending.reset();
  RunFor(loop_, 12ms);
  EXPECT_FALSE(connector_.done());
}

TEST_F(NetworkTest, AFullUnixBacklogIsWaitedFor) {
  const UnixPath path{directory_.File("full")};
  const UniqueFd listener = RawListener(path, 0);
  const UniqueFd first = RawClient(path);
  Connect(path);
  RunFor(loop_, 30ms);
  EXPECT_FALSE(connector_.done());
  const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  EXPECT_TRUE(Until([&] { return connector_.stream != nullptr; }));
}

TEST_F(NetworkTest, AListenerOnAllAddressesTakesIpv4Too) {
  if (!UniqueFd(::socket(AF_INET6, SOCK_STREAM, 0))) GTEST_SKIP() << "no IPv6 here";
  const auto listener = Listen(IpPort{*Ip::Parse("::"), 0});
  ASSERT_TRUE(listener);
  const std::uint16_t port = std::get<IpPort>(listener->address()).port;
  EXPECT_NE(port, 0);
  Connect(IpPort{*Ip::Parse("127.0.0.1"), port});
  EXPECT_TRUE(Until([&] { return connector_.stream && acceptor_.streams.size() == 1; }));
  EXPECT_EQ(std::get<IpPort>(acceptor_.streams[0]->peer_address()).ip, *Ip::Parse("127.0.0.1"));
}

TEST_F(NetworkTest, AnAddressInUseIsSaidSo) {
  const UniqueFd other = RawListener(kLoopback, 1);
  EXPECT_EQ(ListenError(FromRaw(LocalAddress(other.get()))), Errc::kAddressInUse);
  EXPECT_EQ(ListenError(IpPort{*Ip::Parse("192.0.2.1"), 0}), Errc::kUnreachable);
}

TEST_F(NetworkTest, AnExclusiveListenerSharesWithNobody) {
  const auto alone = Listen(kLoopback);
  for (const auto sharing : {io::Sharing::kAlone, io::Sharing::kFirst, io::Sharing::kJoin}) {
    const auto other =
        loop_.view().network.Listen(alone->address(), {.sharing = sharing}, acceptor_);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Errc::kAddressInUse);
  }
}

TEST_F(NetworkTest, OnlyThoseWhoJoinShareWithTheFirst) {
  const auto first =
      *loop_.view().network.Listen(kLoopback, {.sharing = io::Sharing::kFirst}, acceptor_);
  for (const auto sharing : {io::Sharing::kAlone, io::Sharing::kFirst}) {
    const auto other =
        loop_.view().network.Listen(first->address(), {.sharing = sharing}, acceptor_);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Errc::kAddressInUse);
  }
  EXPECT_TRUE(
      loop_.view().network.Listen(first->address(), {.sharing = io::Sharing::kJoin}, acceptor_));
}

// Two loops stand for two gateways that start at the same time. Without the precautions, both or
// none got the port once in thousands of tries.
TEST_F(NetworkTest, OfTwoWhoWantToBeFirstAtTheSameTimeExactlyOneIs) {
  constexpr int kRounds = 2'000;
  const SocketAddress address = Listen(kLoopback)->address();
  std::barrier round(2);
  std::array<std::array<bool, kRounds>, 2> won{};
  const auto compete = [&](std::size_t who) {
    Loop loop;
    Acceptor acceptor;
    for (int i = 0; i < kRounds; ++i) {
      round.arrive_and_wait();
      const auto listener =
          loop.view().network.Listen(address, {.sharing = io::Sharing::kFirst}, acceptor);
      won[who][static_cast<std::size_t>(i)] = listener.has_value();
      round.arrive_and_wait();
    }
  };
  std::thread other([&] { compete(1); });
  compete(0);
  other.join();
  for (std::size_t i = 0; i < kRounds; ++i) EXPECT_NE(won[0][i], won[1][i]) << "round " << i;
}

// Accepts no connection until it is told to.
struct Doorkeeper final : io::AcceptHandler {
  bool MayAccept() override {
    ++asked;
    return open;
  }
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override {
    streams.push_back(std::move(stream));
  }
  void OnNoConnection() override { ++nobody; }
  bool open = false;
  int asked = 0;
  int nobody = 0;
  std::vector<std::unique_ptr<io::ByteStream>> streams;
};

TEST_F(NetworkTest, ConnectionsThatMayNotBeTakenWaitUntilTheListenerResumes) {
  Doorkeeper door;
  const auto listener = *loop_.view().network.Listen(kLoopback, {}, door);
  const UniqueFd first = RawClient(listener->address());
  const UniqueFd second = RawClient(listener->address());
  EXPECT_TRUE(Until([&] { return door.asked == 1; }));
  EXPECT_LT(RunFor(loop_, 50ms), 12U) << "no busy loop";
  EXPECT_EQ(door.asked, 1);
  listener->Resume();
  EXPECT_TRUE(Until([&] { return door.asked == 2; })) << "it retries";
  door.open = true;
  RunFor(loop_, 20ms);
  EXPECT_TRUE(door.streams.empty());
  listener->Resume();
  EXPECT_TRUE(Until([&] { return door.streams.size() == 2; }));
  EXPECT_EQ(door.asked, 2 + 2 + door.nobody) << "each is answered once";
}

TEST_F(NetworkTest, AListenerStopsWhenDestroyedAlsoFromItsOwnCallback) {
  auto listener = Listen(kLoopback);
  const SocketAddress address = listener->address();
  acceptor_.on_accept = [&] { listener.reset(); };
  const std::array clients{RawClient(address), RawClient(address), RawClient(address)};
  EXPECT_TRUE(Until([&] { return listener == nullptr; }));
  EXPECT_EQ(acceptor_.streams.size(), 1U);
  EXPECT_EQ(ConnectError(address), Errc::kRefused);
}

TEST_F(NetworkTest, MoreConnectionsThanOneBatchAreAllAccepted) {
  const auto listener = Listen(kLoopback);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < Listener::kAcceptsPerTurn * 2 + 3; ++i)
    clients.push_back(RawClient(listener->address()));
  EXPECT_TRUE(Until([&] { return acceptor_.streams.size() == clients.size(); }));
}

TEST_F(NetworkTest, AUnixSocketFileIsWorldWritableAndRemovedWithTheListener) {
  const UnixPath path{directory_.File("socket")};
  auto listener = Listen(path);
  ASSERT_TRUE(listener);
  EXPECT_EQ(listener->address(), SocketAddress(path));
  struct stat info{};
  ASSERT_EQ(::stat(path.path.c_str(), &info), 0);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(info.st_mode & 0777, 0666 & ~mask);
  Connect(path);
  EXPECT_TRUE(Until([&] { return connector_.stream && acceptor_.streams.size() == 1; }));
  listener.reset();
  EXPECT_NE(::stat(path.path.c_str(), &info), 0);
}

TEST_F(NetworkTest, AStaleUnixSocketFileIsReplacedAndALiveOneIsNot) {
  const UnixPath path{directory_.File("socket")};
  RawListener(path, 1);
  auto listener = Listen(path);
  ASSERT_TRUE(listener);
  EXPECT_EQ(ListenError(path), Errc::kAddressInUse);
  Connect(path);
  EXPECT_TRUE(Until([&] { return connector_.stream != nullptr; }));
}

TEST_F(NetworkTest, OnlyItsOwnFileIsRemoved) {
  const UnixPath path{directory_.File("socket")};
  auto listener = Listen(path);
  ::unlink(path.path.c_str());
  const UniqueFd successor = RawListener(path, 1);
  listener.reset();
  struct stat info{};
  EXPECT_EQ(::stat(path.path.c_str(), &info), 0);
}

TEST_F(NetworkTest, FilesThatAreNotSocketsAreKept) {
  const UnixPath path{directory_.File("file")};
  {
    const UniqueFd file(::creat(path.path.c_str(), 0600));
  }
  EXPECT_EQ(ListenError(path), Errc::kAddressInUse);
  struct stat info{};
  EXPECT_EQ(::stat(path.path.c_str(), &info), 0);
  EXPECT_EQ(ListenError(UnixPath{directory_.File("absent/socket")}), Errc::kUnreachable);
}

TEST_F(NetworkTest, OutOfDescriptorsConnectionsWaitAndNothingSpins) {
  const auto listener = Listen(kLoopback);
  const UniqueFd client = RawClient(listener->address());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // The lowest free descriptor is beyond the limit.
  const int lowest_free = UniqueFd(::open("/dev/null", O_RDONLY)).get();
  const rlimit none{static_cast<rlim_t>(lowest_free), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_LT(RunFor(loop_, 50ms), 12U);
  EXPECT_TRUE(acceptor_.streams.empty());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(Until([&] { return acceptor_.streams.size() == 1; }));
}

// Prevents new descriptors until the end of the block.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int lowest_free = UniqueFd(::open("/dev/null", O_RDONLY)).get();
    const rlimit none{static_cast<rlim_t>(lowest_free), before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    limit_ = std::to_string(lowest_free);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  const std::string& limit() const { return limit_; }

 private:
  rlimit before_{};
  std::string limit_;
};

TEST_F(NetworkTest, AConnectWithoutDescriptorsNamesTheLimit) {
  WarmUp();
  const auto listener = Listen(kLoopback);
  const NoMoreDescriptors none;
  Connector connector;
  connector.pending = loop_.view().network.Connect(listener->address(), connector);
  EXPECT_TRUE(Until([&] { return connector.done(); }));
  ASSERT_TRUE(connector.error);
  EXPECT_EQ(connector.error->code, Errc::kLimit);
  EXPECT_EQ(connector.error->message, "socket: no file descriptors left; the process may have " +
                                          none.limit() +
                                          " (ulimit -n, LimitNOFILE=, docker --ulimit nofile=)");
}

TEST_F(NetworkTest, ANameThatCannotBeLookedUpWithoutDescriptorsIsNotSaidToBeUnknown) {
  WarmUp();
  struct Resolved final : io::ResolveHandler {
    void OnResolved(const std::vector<Ip>&) override { done = true; }
    void OnResolveFailed(const Error& failure) override {
      error = failure;
      done = true;
    }
    bool done = false;
    std::optional<Error> error;
  };
  {  // for the same reason as WarmUp, for lookups
    Resolved once;
    const auto pending = loop_.view().network.Resolve("no-such-name.invalid", once);
    EXPECT_TRUE(Until([&] { return once.done; }));
  }
  Resolved resolved;
  const NoMoreDescriptors none;
  const auto pending = loop_.view().network.Resolve("nor-such-a-name.invalid", resolved);
  EXPECT_TRUE(Until([&] { return resolved.done; }));
  ASSERT_TRUE(resolved.error);
  EXPECT_EQ(resolved.error->code, Errc::kLimit);
  EXPECT_NE(resolved.error->message.find(
                "resolve nor-such-a-name.invalid: no file descriptors left; the process may have " +
                none.limit()),
            std::string::npos)
      << resolved.error->message;
}

// A loop on its own thread that counts connections and echoes every byte.
class EchoThread final : io::AcceptHandler {
 public:
  EchoThread(const SocketAddress& address, io::Sharing sharing) {
    listener_ = std::move(*loop_.view().network.Listen(address, {.sharing = sharing}, *this));
    address_ = listener_->address();
    thread_ = std::thread([this] { loop_.Run(); });
  }
  ~EchoThread() {
    loop_.Stop();
    thread_.join();
  }
  const SocketAddress& address() const { return address_; }
  int accepted() const { return accepted_.load(); }

 private:
  struct Echo final : Recorder {
    explicit Echo(std::unique_ptr<io::ByteStream> with) : stream(std::move(with)) {
      on_bytes = [this](MutableBytes data) { stream->Write(Bytes(data)); };
      stream->SetHandler(this);
      stream->SetReading(true);
    }
    std::unique_ptr<io::ByteStream> stream;
  };

  void OnAccept(std::unique_ptr<io::ByteStream> stream) override {
    echoes_.push_back(std::make_unique<Echo>(std::move(stream)));
    ++accepted_;
  }

  Loop loop_{PollerUnderTest()};
  std::unique_ptr<io::Listener> listener_;
  SocketAddress address_;
  std::vector<std::unique_ptr<Echo>> echoes_;
  std::atomic<int> accepted_ = 0;
  std::thread thread_;
};

TEST_F(NetworkTest, SeveralLoopsShareOnePort) {
  constexpr int kClients = 60;
  std::vector<std::unique_ptr<EchoThread>> threads;
  threads.push_back(std::make_unique<EchoThread>(kLoopback, io::Sharing::kFirst));
  for (int i = 0; i < 2; ++i)
    threads.push_back(std::make_unique<EchoThread>(threads[0]->address(), io::Sharing::kJoin));

  struct Client {
    Connector connector;
    Recorder log;
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kClients; ++i) {
    Client& client = *clients.emplace_back(std::make_unique<Client>());
    client.connector.pending =
        loop_.view().network.Connect(threads[0]->address(), client.connector);
  }
  ASSERT_TRUE(Until(
      [&] { return std::ranges::all_of(clients, [](auto& c) { return c->connector.done(); }); }));
  const std::string sent = Pattern(20'000);
  for (auto& client : clients) {
    ASSERT_TRUE(client->connector.stream);
    client->connector.stream->SetHandler(&client->log);
    client->connector.stream->SetReading(true);
    client->connector.stream->Write(AsBytes(sent));
  }
  EXPECT_TRUE(Until([&] {
    return std::ranges::all_of(clients, [&](auto& c) { return c->log.received == sent; });
  }));
  int total = 0;
  for (const auto& thread : threads) total += thread->accepted();
  EXPECT_EQ(total, kClients);
  EXPECT_LT(threads[0]->accepted(), kClients) << "the kernel distributes connections";
  clients.clear();
}

}  // namespace
}  // namespace upgate::net
