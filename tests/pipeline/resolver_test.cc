// Routes whose server is found by a token: where it is looked for, what may be answered and when,
// and that nothing outside of `allow` is ever connected to.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/temp_folder.h"

namespace upgate::test::resolver_test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using stats::HandshakeOutcome;
using stats::Resolution;

// A resolver that the test plays. Answers at once where `answer` is set, else by hand.
struct Played {
  struct Asked {
    std::string token, client, host, path;
    plugin::Reply reply;
  };
  std::vector<Asked> asked;
  std::optional<plugin::ResolverAnswer> answer;
  int instances = 0;
  int under_way = 0;  // not cancelled
};
Played* played = nullptr;

struct LookUp final : io::Deletable {
  LookUp() { ++played->under_way; }
  ~LookUp() override { --played->under_way; }
};

class PlayedInstance final : public plugin::ResolverInstance {
 public:
  PlayedInstance() { ++played->instances; }
  ~PlayedInstance() override {
    EXPECT_EQ(played->under_way, 0) << "look-ups go before the instance";
    --played->instances;
  }
  std::unique_ptr<io::Deletable> Resolve(const plugin::Question& question,
                                         plugin::Reply reply) override {
    played->asked.push_back({std::string(question.token), std::string(question.client),
                             std::string(question.host), std::string(question.path), reply});
    if (played->answer) {
      reply(*played->answer);
      return nullptr;
    }
    return std::make_unique<LookUp>();
  }
};

class PlayedResolver final : public plugin::Resolver {
 public:
  std::unique_ptr<plugin::ResolverInstance> Start(plugin::ResolverHost&) const override {
    return std::make_unique<PlayedInstance>();
  }
};

void AddPlayed(plugin::Registry& registry) {
  plugins::RegisterBuiltins(registry);
  registry.AddResolver("played", [](const plugin::ResolverSetup& setup) {
    setup.options.RejectUnknownKeys();
    return std::make_unique<PlayedResolver>();
  });
}

constexpr std::string_view kAllow =
    R"(allow: [ "127.0.0.1:7000-7009", "*.vms.example:7000", "named.example:7000", "unix:/run/vms/*" ])";

std::string Config(std::string_view options = {}, std::string_view route = {},
                   std::string_view path = "/r") {
  return "routes:\n  - { path: " + std::string(path) + ", resolver: played, options: { " +
         std::string(kAllow) + std::string(options) + " }" + std::string(route) +
         ", limits: { ping_interval: 0s } }\n";
}

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() { played = &played_; }
  ~ResolverTest() override {
    gw_.reset();
    EXPECT_EQ(played_.instances, 0);
    played = nullptr;
  }
  void Start(std::string_view options = {}, std::string_view route = {},
             std::string_view path = "/r") {
    gw_.emplace(Config(options, route, path), MemoryNetwork::Options{}, io::kShare, AddPlayed);
  }
  // The status of an upgrade; the session is closed again.
  int Status(std::string_view target, std::string_view extra = {}) {
    GatewayClient client = gw_->Connect();
    const int status = client.Upgrade(target, extra).status;
    client.peer().Close();
    gw_->loop().Advance(30s);
    return status;
  }
  std::uint64_t Count(Resolution outcome) {
    return gw_->route_stats().resolutions[static_cast<std::size_t>(outcome)].Get();
  }
  std::string TokenOf(std::string_view target, std::string_view extra = {}) {
    played_.asked.clear();
    played_.answer = plugin::Unknown();
    Status(target, extra);
    return played_.asked.empty() ? "(not asked)" : played_.asked[0].token;
  }

  Played played_;
  std::optional<TestGateway> gw_;
};

TEST_F(ResolverTest, AnAnswerAtOnceLeadsToTheServer) {
  Start();
  TestServer server(gw_->network(), Address("127.0.0.1:7003"));
  played_.answer = plugin::Found("127.0.0.1:7003");
  GatewayClient client = gw_->Connect();
  EXPECT_EQ(client.Upgrade("/r?token=secret7").status, 101);
  ASSERT_EQ(played_.asked.size(), 1u);
  EXPECT_EQ(played_.asked[0].token, "secret7");
  EXPECT_EQ(played_.asked[0].client, "127.0.0.1");
  EXPECT_EQ(played_.asked[0].path, "/r");
  client.Send(BinaryFrame("to the server"));
  EXPECT_EQ(server[0].TakeReceived(), "to the server");
  EXPECT_EQ(gw_->log().Last("session open", "server"), "tcp://127.0.0.1:7003");
  EXPECT_FALSE(gw_->log().Mentions("secret7"));
  EXPECT_EQ(Count(Resolution::kFound), 1u);
  EXPECT_EQ(gw_->Handshakes(HandshakeOutcome::kAccepted), 1u);
  client.peer().Close();
  gw_->loop().Advance(30s);
}

TEST_F(ResolverTest, AnAnswerMayComeLaterTwiceAndTooLate) {
  Start();
  TestServer server(gw_->network(), Address("127.0.0.1:7003"));
  GatewayClient client = gw_->Connect();
  EXPECT_EQ(client.Upgrade("/r?token=a").status, 0);
  EXPECT_EQ(played_.under_way, 1);
  const plugin::Reply reply = played_.asked.at(0).reply;
  EXPECT_TRUE(reply.wanted());
  reply(plugin::Found("127.0.0.1:7003"));
  EXPECT_FALSE(reply.wanted());
  reply(plugin::Found("127.0.0.1:7004"));
  reply(plugin::Failed("twice"));
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 101);
  EXPECT_EQ(server.size(), 1u);
  EXPECT_EQ(played_.under_way, 0);
  client.peer().Close();
  gw_->loop().Advance(30s);
  reply(plugin::Found("127.0.0.1:7003"));
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(server.size(), 1u);
}

TEST_F(ResolverTest, AClientThatGoesAwayCancels) {
  Start();
  GatewayClient client = gw_->Connect();
  client.Upgrade("/r?token=a");
  EXPECT_EQ(played_.under_way, 1);
  client.peer().Reset();
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(played_.under_way, 0);
  EXPECT_FALSE(played_.asked.at(0).reply.wanted());
  EXPECT_EQ(Count(Resolution::kGone), 1u);
  EXPECT_EQ(gw_->Handshakes(HandshakeOutcome::kClientGone), 1u);
}

TEST_F(ResolverTest, ALateOneIs504) {
  Start(", timeout: 2s");
  GatewayClient client = gw_->Connect();
  client.Upgrade("/r?token=a");
  gw_->loop().Advance(3s);
  EXPECT_EQ(client.Head().status, 504);
  EXPECT_EQ(played_.under_way, 0);
  EXPECT_EQ(Count(Resolution::kTimeout), 1u);
  EXPECT_EQ(gw_->Handshakes(HandshakeOutcome::kBackendTimeout), 1u);
  client.peer().Close();
  gw_->loop().Advance(10s);
}

TEST_F(ResolverTest, ANameThatIsNotLookedUpInTimeIs504) {
  Start(", timeout: 2s");
  gw_->network().HangHost("named.example");
  played_.answer = plugin::Found("named.example:7000");
  GatewayClient client = gw_->Connect();
  client.Upgrade("/r?token=a");
  gw_->loop().Advance(3s);
  EXPECT_EQ(client.Head().status, 504);
  client.peer().Close();
  gw_->loop().Advance(10s);
}

TEST_F(ResolverTest, WhatIsUnknownIs404AndWhatIsBrokenIs502) {
  Start();
  played_.answer = plugin::Unknown();
  EXPECT_EQ(Status("/r?token=secret7"), 404);
  EXPECT_EQ(gw_->Handshakes(HandshakeOutcome::kNoTarget), 1u);
  EXPECT_EQ(Count(Resolution::kUnknown), 1u);
  played_.answer = plugin::Failed("no connection");
  EXPECT_EQ(Status("/r?token=secret7"), 502);
  EXPECT_EQ(Count(Resolution::kFailed), 1u);
  EXPECT_EQ(gw_->log().Last("backend failed", "why"), "no connection");
  EXPECT_EQ(gw_->log().Last("backend failed", "backend"), "resolver:played");
  EXPECT_EQ(gw_->log().Last("backend failed", "status"), "502");
  EXPECT_EQ(gw_->log().Last("backend failed", "path"), "/r");
  EXPECT_EQ(Status("/r"), 404);
  EXPECT_EQ(played_.asked.size(), 2u);
  EXPECT_FALSE(gw_->log().Mentions("secret7"));
}

TEST_F(ResolverTest, NothingOutsideOfAllowIsConnectedTo) {
  Start();
  // Everybody listens, so that a connection would be seen.
  gw_->network().SetHost("loop.vms.example", "127.0.0.3");
  gw_->network().SetHost("meta.vms.example", "169.254.169.254");
  gw_->network().SetHost("any.vms.example", "0.0.0.0");
  gw_->network().SetHost("six.vms.example", "::1");
  gw_->network().SetHost("vms.example", "10.0.0.1");
  gw_->network().SetHost("evil.example", "10.0.0.1");
  TestServer a(gw_->network(), Address("127.0.0.1:6999")),
      b(gw_->network(), Address("127.0.0.2:7000"));
  TestServer c(gw_->network(), Address("10.0.0.1:7000")), d(gw_->network(), UnixPath{"/run/other"});
  for (const std::string& target : {"127.0.0.1:6999"s,
                                    "127.0.0.1:7010"s,
                                    "127.0.0.2:7000"s,
                                    "[::1]:7000"s,
                                    "10.0.0.1:7000"s,
                                    "loop.vms.example:7000"s,
                                    "meta.vms.example:7000"s,
                                    "any.vms.example:7000"s,
                                    "six.vms.example:7000"s,
                                    "vms.example:7000"s,
                                    "evil.example:7000"s,
                                    "evilvms.example:7000"s,
                                    "unix:/run/other"s,
                                    "unix:/run/vms/a/b"s,
                                    "unix:/run/vms/../other"s,
                                    "unix:/run/vms//x"s,
                                    "unix:/run/vms"s,
                                    "unix:relative"s,
                                    "http://127.0.0.1:7000"s,
                                    "ws://127.0.0.1:7000"s,
                                    "file:///etc/passwd"s,
                                    ""s,
                                    "nonsense"s,
                                    "127.0.0.1"s,
                                    "127.0.0.1:0"s,
                                    "127.0.0.1:70000"s,
                                    "127.1:7000"s,
                                    "2130706433:7000"s,
                                    "user@127.0.0.1:7000"s,
                                    "127.0.0.1:7000\r\nx"s,
                                    "127.0.0.1:7000\0.vms.example:7000"s,
                                    std::string(70'000, 'a') + ":7000",
                                    "tcp://127.0.0.1:7000/path"s}) {
    played_.answer = plugin::Found(target);
    EXPECT_EQ(Status("/r?token=secret7"), 502) << target.substr(0, 100);
  }
  EXPECT_EQ(a.size() + b.size() + c.size() + d.size(), 0u);
  EXPECT_FALSE(gw_->log().Mentions("secret7"));
}

// Of several addresses only those that are allowed are tried, and no other look-up is made.
TEST_F(ResolverTest, TheAddressThatWasCheckedIsConnectedTo) {
  Start();
  TestServer good(gw_->network(), Address("10.1.1.1:7000"));
  TestServer bad(gw_->network(), Address("169.254.169.254:7000"));
  gw_->network().SetHost("vm.vms.example",
                         std::vector<Ip>{*Ip::Parse("169.254.169.254"), *Ip::Parse("10.1.1.1")});
  played_.answer = plugin::Found("vm.vms.example:7000");
  EXPECT_EQ(Status("/r?token=a"), 101);
  EXPECT_EQ(good.size(), 1u);
  EXPECT_EQ(bad.size(), 0u);
}

TEST_F(ResolverTest, UnixSocketsAndNames) {
  Start();
  TestServer socket(gw_->network(), UnixPath{"/run/vms/7"});
  played_.answer = plugin::Found("unix:/run/vms/7");
  EXPECT_EQ(Status("/r?token=a"), 101);
  EXPECT_EQ(socket.size(), 1u);
  gw_->network().SetHost("NAMED.example.", "10.0.0.9");
  TestServer named(gw_->network(), Address("10.0.0.9:7000"));
  played_.answer = plugin::Found("NAMED.example.:7000");
  EXPECT_EQ(Status("/r?token=a"), 101);
  EXPECT_EQ(named.size(), 1u);
}

TEST_F(ResolverTest, HostileTokensAreNotAskedFor) {
  Start();
  played_.answer = plugin::Unknown();
  EXPECT_EQ(TokenOf("/r?token=" + std::string(1025, 'a')), "(not asked)");
  EXPECT_EQ(TokenOf("/r?token=" + std::string(60'000, 'a')), "(not asked)");
  EXPECT_EQ(TokenOf("/r?token=a%00b"), "(not asked)");
  EXPECT_EQ(TokenOf("/r?token=a%0d%0ab"), "(not asked)");
  EXPECT_EQ(TokenOf("/r?token="), "(not asked)");
  EXPECT_EQ(TokenOf("/r?tokens=a"), "(not asked)");
  // No path to anything: a resolver gets what the client sent.
  EXPECT_EQ(TokenOf("/r?token=..%2f..%2fetc"), "../../etc");
}

TEST_F(ResolverTest, TheFirstPlaceThatIsThereCounts) {
  Start(R"(, from: [ "header:X-Token", "cookie:vm", "query:t", "query:u" ])");
  EXPECT_EQ(TokenOf("/r?u=4"), "4");
  EXPECT_EQ(TokenOf("/r?u=4&t=3"), "3");
  EXPECT_EQ(TokenOf("/r?u=4&t=3", "Cookie: x=1; vm=two; vm=three\r\n"), "two");
  EXPECT_EQ(TokenOf("/r?u=4", "Cookie: xvm=1; vm=\"q\"\r\n"), "q");
  EXPECT_EQ(TokenOf("/r?u=4", "X-Token: 1\r\nCookie: vm=2\r\n"), "1");
  EXPECT_EQ(TokenOf("/r?u=4", "X-Token: 1\r\nX-Token: 2\r\n"), "4");
}

TEST_F(ResolverTest, TokensInThePathAndTheHostAreNotLogged) {
  Start(R"(, from: [ path ])", "", "/vm/*");
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  EXPECT_EQ(TokenOf("/vm/secret7"), "secret7");
  EXPECT_EQ(TokenOf("/vm/a/b"), "a/b");
  EXPECT_EQ(TokenOf("/vm/"), "(not asked)");
  played_.answer = plugin::Found("127.0.0.1:7000");
  EXPECT_EQ(Status("/vm/secret7"), 101);
  EXPECT_EQ(gw_->log().Last("session open", "path"), "/vm/*");
  EXPECT_FALSE(gw_->log().Mentions("secret7"));
}

TEST_F(ResolverTest, TokensInAPathOfWhichServersDisagreeAreNotLogged) {
  gw_.emplace("log: { level: debug }\n" + Config(R"(, from: [ path, host ])", "", "/vm/*") +
                  "  - { path: /other/*, plugin: echo }\n",
              MemoryNetwork::Options{}, io::kShare, AddPlayed);
  for (const std::string_view path :
       {"/vm/secret7%2F..%2F..%2Fother%2Fa", "/vm/secret7/..;/..;/other/a",
        "/other/..%2Fvm/secret7", "/vm/secret7%5C..%5C..%5C"}) {
    EXPECT_EQ(Status(path), 400) << path;
    EXPECT_EQ(gw_->log().Last("handshake refused", "path"), "/vm/*");
    EXPECT_EQ(gw_->log().Last("handshake refused", "host"), "") << "where it may be as well";
    GatewayClient client = gw_->Connect();
    client.Send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.Head().status, 400) << path;
    client.peer().Close();
    gw_->loop().Advance(30s);
  }
  EXPECT_FALSE(gw_->log().Mentions("secret7"));
}

TEST_F(ResolverTest, AnAnswerThatRepeatsTheTokenIsNotLoggedEither) {
  Start();
  gw_->network().SetHost("secret7.vms.example", "10.0.0.9");
  TestServer server(gw_->network(), Address("10.0.0.9:7000"));
  played_.answer = plugin::Found("secret7.vms.example:7000");
  EXPECT_EQ(Status("/r?token=secret7"), 101);
  EXPECT_EQ(gw_->log().Last("session open", "server"), "resolver:played");
  played_.answer = plugin::Found("secret7.evil.example:7000");
  EXPECT_EQ(Status("/r?token=secret7"), 502);
  EXPECT_FALSE(gw_->log().Mentions("secret7"));
}

TEST_F(ResolverTest, AnswersAreUsedAgainAsLongAsTheCacheSays) {
  Start(", cache: 40s");
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  played_.answer = plugin::Found("127.0.0.1:7000");
  EXPECT_EQ(Status("/r?token=a"), 101);  // takes 30 s
  EXPECT_EQ(Status("/r?token=a"), 101);
  EXPECT_EQ(played_.asked.size(), 1u);
  EXPECT_EQ(Count(Resolution::kCached), 1u);
  EXPECT_EQ(Status("/r?token=b"), 101);
  EXPECT_EQ(played_.asked.size(), 2u);
  EXPECT_EQ(Status("/r?token=a"), 101);
  EXPECT_EQ(played_.asked.size(), 3u);
}

TEST_F(ResolverTest, WithoutACacheTheResolverSaysHowLong) {
  Start();
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  played_.answer = plugin::Found("127.0.0.1:7000");
  Status("/r?token=a");
  Status("/r?token=a");
  EXPECT_EQ(played_.asked.size(), 2u);
  played_.answer = plugin::Found("127.0.0.1:7000", io::Millis{60'000});
  Status("/r?token=a");
  Status("/r?token=a");
  EXPECT_EQ(played_.asked.size(), 3u);
}

TEST_F(ResolverTest, AReloadKeepsTheResolverOfTheSameWords) {
  Start();
  GatewayClient client = gw_->Connect();
  client.Upgrade("/r?token=a");
  gw_->Reload(Config(", timeout: 5s"));
  EXPECT_EQ(played_.instances, 2);  // one is held by the client that waits
  played_.asked.at(0).reply(plugin::Unknown());
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 404);
  client.peer().Close();
  gw_->loop().Advance(10s);
  EXPECT_EQ(played_.instances, 1);
  gw_->Reload(Config(", timeout: 5s", ", on_change: keep"));
  EXPECT_EQ(played_.instances, 1);
}

// ---- servers of HTTP

constexpr std::string_view kHttp = ", target: { scheme: http }";

TEST_F(ResolverTest, HttpServersServeRequestsAndKeepTheirConnections) {
  Start(kHttp);
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  server.OnConnection([](TestPeer& peer) {
    peer.OnReceive([](TestPeer& self, std::string_view) {
      if (self.received().ends_with("body"))
        self.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  played_.answer = plugin::Found("127.0.0.1:7000");
  GatewayClient client = gw_->Connect();
  for (int i = 0; i < 2; ++i) {
    client.Send("POST /r?x=1&token=a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    const auto head = client.Head();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(client.Body(head), "ok");
  }
  ASSERT_EQ(server.size(), 1u);
  EXPECT_TRUE(server[0].received().starts_with("POST /r?x=1&token=a HTTP/1.1\r\n"));
  client.peer().Close();
  gw_->loop().Advance(100s);
}

TEST_F(ResolverTest, TheTokenIsTakenOutOfTheQueryIfWanted) {
  Start(std::string(kHttp) + ", strip_query: true");
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  played_.answer = plugin::Found("127.0.0.1:7000");
  for (const auto& [target, seen] :
       {std::pair{"/r?x=1&token=a&y=%20", "/r?x=1&y=%20"}, std::pair{"/r?token=a", "/r"},
        std::pair{"/r?to%6ben=a&x", "/r?x"}}) {
    GatewayClient client = gw_->Connect();
    client.Send("GET "s + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(server[server.size() - 1].received().starts_with("GET "s + seen + " HTTP/1.1\r\n"));
    client.peer().Close();
    gw_->loop().Advance(10s);
  }
}

TEST_F(ResolverTest, RewritingHoldsForTheServerThatWasFound) {
  Start(std::string(kHttp) + ", strip_query: true",
        ", strip_prefix: /r, request_headers: { set: { X-Client: \"{client}\" } }, "
        "upgrades: [ custom ]",
        "/r/*");
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  played_.answer = plugin::Found("127.0.0.1:7000");
  const auto received = [&](std::string_view fields) {
    GatewayClient client = gw_->Connect();
    client.Send("GET /r/a?token=t&x HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    const std::string text(server[server.size() - 1].received());
    client.peer().Close();
    gw_->loop().Advance(10s);
    return text;
  };
  for (const char* fields : {"", "Connection: Upgrade\r\nUpgrade: custom\r\n"}) {
    const std::string text = received(fields);
    EXPECT_TRUE(text.starts_with("GET /a?x HTTP/1.1\r\n")) << text;
    EXPECT_TRUE(text.contains("X-Client: 127.0.0.1")) << text;
    EXPECT_EQ(text.contains("Upgrade: custom\r\n"), *fields != '\0') << text;
  }
}

// ---- files of tokens

TEST(TokenFileRoute, FindsServersByWebsockifysFile) {
  const TempFolder folder;
  folder.Write("tokens", "# desktops\nvm1: 127.0.0.1:7001\nvm2: unix_socket:/run/vm2\n");
  TestGateway gw("routes:\n  - { path: /websockify, resolver: token_file, options: { file: \"" +
                 folder.At("tokens") +
                 "\", allow: [ \"127.0.0.1:7000-7009\", \"unix:/run/*\" ] } }\n");
  TestServer one(gw.network(), Address("127.0.0.1:7001")), two(gw.network(), UnixPath{"/run/vm2"});
  const auto status = [&](std::string_view token) {
    GatewayClient client = gw.Connect();
    const int got = client.Upgrade("/websockify?token=" + std::string(token)).status;
    client.peer().Close();
    gw.loop().Advance(30s);
    return got;
  };
  EXPECT_EQ(status("vm1"), 101);
  EXPECT_EQ(one.size(), 1u);
  EXPECT_EQ(status("vm2"), 101);
  EXPECT_EQ(two.size(), 1u);
  EXPECT_EQ(status("vm3"), 404);
  EXPECT_FALSE(gw.log().Mentions("vm3"));
}

}  // namespace
}  // namespace upgate::test::resolver_test
