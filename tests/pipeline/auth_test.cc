// Routes with authenticators: who is asked, when, what goes on to the server, and when sessions
// end.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/text.h"
#include "gateway/http/proxy_fields.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test::auth_test {
namespace {

using namespace std::chrono_literals;
using plugin::AuthAnswer;
using plugin::AuthReason;
using stats::HandshakeOutcome;
using testing::HasSubstr;
using testing::Not;

// An authenticator that the test plays. Answers at once where `answer` is set, else by hand. Its
// credential is the field X-Key.
struct Played {
  struct Asked {
    std::string credential, client, scheme, host;
    plugin::AuthReply reply;
    std::string proxy_fields = {};  // names of fields that only proxies may send
  };
  std::vector<Asked> asked;
  std::optional<AuthAnswer> answer;
  int instances = 0;
  int under_way = 0;  // not cancelled
};
Played* played = nullptr;

struct Check final : io::Deletable {
  Check() { ++played->under_way; }
  ~Check() override { --played->under_way; }
};

class PlayedInstance final : public plugin::AuthInstance {
 public:
  PlayedInstance() { ++played->instances; }
  ~PlayedInstance() override {
    EXPECT_EQ(played->under_way, 0) << "checks go before the instance";
    --played->instances;
  }
  std::unique_ptr<io::Deletable> Check(const plugin::AuthQuestion& question,
                                       plugin::AuthReply reply) override {
    played->asked.push_back({std::string(question.credential), std::string(question.client),
                             std::string(question.scheme), std::string(question.host), reply});
    for (const http::Header& field : question.request.headers) {
      if (http::IsProxyField(field.name)) played->asked.back().proxy_fields += field.name + " ";
    }
    if (played->answer) {
      reply(*played->answer);
      return nullptr;
    }
    return std::make_unique<auth_test::Check>();
  }
};

class PlayedAuth final : public plugin::AuthCheck {
 public:
  explicit PlayedAuth(std::string field) : field_(std::move(field)) {}
  std::unique_ptr<plugin::AuthInstance> Start(plugin::AuthHost&) const override {
    return std::make_unique<PlayedInstance>();
  }
  std::optional<std::string> Find(const http::Request& request, const io::TlsInfo*) const override {
    const std::string* key = request.headers.Find(field_);
    return key != nullptr ? std::optional(*key) : std::nullopt;
  }
  void Remove(http::Request& request) const override { request.headers.Remove(field_); }
  std::string Challenge() const override { return "Played " + field_; }

 private:
  const std::string field_;
};

void AddPlayed(plugin::Registry& registry) {
  plugins::RegisterBuiltins(registry);
  registry.AddAuth("played", [](plugin::AuthSetup setup) {
    const auto field = setup.options["field"].Optional<std::string>("X-Key");
    setup.options.RejectUnknownKeys();
    return std::make_unique<PlayedAuth>(field);
  });
}

AuthAnswer LetIn(std::string user, std::optional<std::int64_t> ends_unix_ms = {}) {
  return plugin::Allowed(std::make_shared<const plugin::Identity>(
      std::move(user), std::map<std::string, std::string, std::less<>>{{"group", "admins"}},
      ends_unix_ms));
}

// All values of a field.
std::string Joined(const ResponseHead& head, std::string_view name) {
  std::string all;
  for (const auto& [field, value] : head.headers) {
    if (EqualsIgnoreCase(field, name)) all.append(all.empty() ? "" : ", ").append(value);
  }
  return all;
}

class AuthTest : public testing::Test {
 protected:
  AuthTest() { played = &played_; }
  ~AuthTest() override {
    gw_.reset();
    EXPECT_EQ(played_.instances, 0);
    played = nullptr;
  }
  void Start(std::string_view route, std::string_view more = {}) {
    gw_.emplace(
        "auth:\n  a: { played: {} }\n  b: { played: { field: X-Other } }\n"
        "backends:\n  web: { servers: [ http://127.0.0.1:7000 ] }\n"
        "  tcp: { servers: [ tcp://127.0.0.1:7001 ] }\n" +
            std::string(more) + "log: { requests: all }\nroutes:\n  - { path: /r, " +
            std::string(route) + ", limits: { ping_interval: 0s" + limits_ + " } }\n",
        MemoryNetwork::Options{}, io::kShare, AddPlayed);
  }
  std::uint64_t Count(AuthReason reason) {
    return gw_->route_stats().auth[static_cast<std::size_t>(reason)].Get();
  }
  static std::string Get(std::string_view extra = {}) {
    return "GET /r HTTP/1.1\r\nHost: a.example\r\n" + std::string(extra) + "\r\n";
  }

  Played played_;
  std::string limits_;  // more of the route
  std::optional<TestGateway> gw_;
};

TEST_F(AuthTest, WithoutACredentialNothingBehindTheRouteIsTouched) {
  Start("auth: [ a, b ], backend: tcp");
  TestServer server(gw_->network(), Address("127.0.0.1:7001"));
  GatewayClient client = gw_->Connect();
  const ResponseHead head = client.Upgrade("/r");
  EXPECT_EQ(head.status, 401);
  EXPECT_EQ(Joined(head, "www-authenticate"), "Played X-Key, Played X-Other");
  EXPECT_EQ(server.size(), 0u);
  EXPECT_TRUE(played_.asked.empty());
  EXPECT_EQ(Count(AuthReason::kMissing), 1u);
  EXPECT_EQ(gw_->Handshakes(HandshakeOutcome::kUnauthorized), 1u);
  EXPECT_EQ(gw_->log().Last("access refused", "reason"), "missing");
}

TEST_F(AuthTest, ThatARouteServesWebSocketOnlyIsNotForEverybody) {
  Start("auth: a, backend: tcp");
  const auto status = [&](std::string_view request) {
    GatewayClient client = gw_->Connect();
    client.Send(request);
    return client.Head().status;
  };
  EXPECT_EQ(status(Get()), 401);
  played_.answer = LetIn("alice");
  EXPECT_EQ(status(Get("X-Key: k\r\n")), 426);
  EXPECT_EQ(status(Get("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: bad\r\n")),
            400)
      << "nothing is told by that";
}

// A service that is asked may believe them.
TEST_F(AuthTest, FieldsThatOnlyProxiesMaySendAreNotShownToAuthenticators) {
  Start("auth: a, plugin: echo");
  played_.answer = LetIn("alice");
  gw_->Connect().Upgrade("/r",
                         "X-Key: k\r\nX-SSL-Client-Verify: SUCCESS\r\nX-Real-IP: 10.0.0.1\r\n");
  ASSERT_EQ(played_.asked.size(), 1u);
  EXPECT_EQ(played_.asked[0].proxy_fields, "");
}

TEST_F(AuthTest, TheLogSaysWhoWasRefusedAndTheManyDoNotHideTheFew) {
  Start("auth: a, plugin: echo");
  played_.answer = plugin::Refused(AuthReason::kTooMany, "too many");
  for (int i = 0; i < 30; ++i) gw_->Connect().Upgrade("/r", "X-Key: k\r\n");
  played_.answer = plugin::Refused(AuthReason::kForbidden, "not as required");
  played_.answer->user = "alice";
  gw_->Connect().Upgrade("/r", "X-Key: k\r\n");
  EXPECT_EQ(gw_->log().Count("access refused"), 21u);
  EXPECT_EQ(gw_->log().Last("access refused", "user"), "alice");
}

TEST_F(AuthTest, AGoodCredentialOpensASession) {
  Start("auth: a, backend: tcp");
  TestServer server(gw_->network(), Address("127.0.0.1:7001"));
  played_.answer = LetIn("alice");
  GatewayClient client = gw_->Connect();
  EXPECT_EQ(client.Upgrade("/r", "X-Key: sesame\r\n").status, 101);
  ASSERT_EQ(played_.asked.size(), 1u);
  EXPECT_EQ(played_.asked[0].credential, "sesame");
  EXPECT_EQ(played_.asked[0].client, "127.0.0.1");
  EXPECT_EQ(gw_->log().Last("session open", "user"), "alice");
  client.Send(BinaryFrame("to the server"));
  EXPECT_EQ(server[0].TakeReceived(), "to the server");
  EXPECT_EQ(Count(AuthReason::kAllowed), 1u);
  EXPECT_FALSE(gw_->log().Mentions("sesame"));
}

TEST_F(AuthTest, NoClientSetsAFieldThatTellsServersWhoItIs) {
  gw_.emplace(
      "auth: { a: { played: {} } }\nbackends: { web: { servers: [ http://127.0.0.1:7000 ] } }\n"
      "routes:\n"
      "  - { path: /r, backend: web, auth: a, request_headers: { set: { X-User: \"{user}\", "
      "X-Client: \"{client}\", X-Fixed: \"1\" } } }\n"
      "  - { path: /open, backend: web }\n",
      MemoryNetwork::Options{}, io::kShare, AddPlayed);
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  GatewayClient client = gw_->Connect();
  client.Send(
      "GET /open HTTP/1.1\r\nHost: a.example\r\nX-User: root\r\nx_user: root\r\n"
      "X-Client: root\r\nX-Fixed: 2\r\n\r\n");
  EXPECT_THAT(server[0].TakeReceived(), AllOf(HasSubstr("X-Fixed: 2"), Not(HasSubstr("root"))));
}

// Elsewhere, what a trusted proxy says of the client goes on.
TEST(IdentityFields, OfProxiesAreKeptFromTrustedOnes) {
  TestGateway gw(
      "listeners: [ { address: \"127.0.0.1:80\", trusted_proxies: [ 10.0.0.0/8 ] } ]\n"
      "backends: { web: { servers: [ http://127.0.0.1:7000 ] } }\n"
      "routes:\n"
      "  - { path: /a, backend: web, request_headers: { set: { X-Real-IP: \"{client}\" } } }\n"
      "  - { path: /b, backend: web }\n");
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect(0, Address("10.1.2.3:999"));
  client.Send("GET /b HTTP/1.1\r\nHost: a\r\nX-Real-IP: 203.0.113.9\r\n\r\n");
  EXPECT_THAT(server[0].TakeReceived(), HasSubstr("X-Real-IP: 203.0.113.9\r\n"));
}

// Some servers take trailers for fields of the header (RFC 9110, section 6.5.1).
TEST_F(AuthTest, NoClientSetsSuchAFieldInTrailers) {
  Start(R"(auth: { use: a, optional: true }, backend: web, request_headers: { )"
        R"(set: { X-User: "{user}", X-Fixed: "1" }, remove: [ X-Debug ] })");
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  GatewayClient client = gw_->Connect();
  client.Send(
      "PUT /r HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-User: "
      "root\r\nx.user: root\r\nX-Fixed: root\r\nX-Debug: root\r\nX-T: 1\r\n\r\n");
  EXPECT_THAT(server[0].TakeReceived(), AllOf(HasSubstr("X-T: 1"), Not(HasSubstr("root"))));
}

TEST_F(AuthTest, LimitsMayGoByTheUser) {
  limits_ = ", by: user, sessions_per_client: 2, handshakes: { rate: 1/h, burst: 4 }";
  Start("auth: { use: a, optional: true }, plugin: echo");
  std::vector<std::unique_ptr<GatewayClient>> clients;
  const auto shake = [&](std::string_view extra, std::string_view from) {
    clients.emplace_back(new GatewayClient(gw_->Connect(0, Address(std::string(from)))));
    return clients.back()->Upgrade("/r", extra).status;
  };
  constexpr std::string_view kKey = "X-Key: k\r\n";
  played_.answer = LetIn("alice");
  EXPECT_EQ(shake(kKey, "192.0.2.1:5"), 101);
  EXPECT_EQ(shake(kKey, "192.0.2.2:5"), 101);
  EXPECT_EQ(shake(kKey, "192.0.2.3:5"), 429) << "sessions";
  played_.answer = LetIn("bob");
  EXPECT_EQ(shake(kKey, "192.0.2.1:5"), 101) << "another user of the same address";
  for (auto& client : clients) client->peer().Close();
  gw_->loop().Advance(10s);
  played_.answer = LetIn("alice");
  EXPECT_EQ(shake(kKey, "192.0.2.4:5"), 101);
  EXPECT_EQ(shake(kKey, "192.0.2.5:5"), 429) << "handshakes";
  EXPECT_EQ(shake("", "192.0.2.5:5"), 101) << "nobody goes by address";
  for (auto& client : clients) client->peer().Close();
  gw_->loop().Advance(10s);
}

TEST_F(AuthTest, ACheckGoesBeforeAnInstanceThatNobodyElseUses) {
  Start("auth: a, plugin: echo");
  GatewayClient client = gw_->Connect();
  EXPECT_EQ(client.Upgrade("/r", "X-Key: k\r\n").status, 0);
  ASSERT_EQ(played_.under_way, 1);
  gw_->Reload("routes: [ { path: /other, plugin: echo } ]");
  EXPECT_EQ(played_.instances, 1) << "for the request";
  played_.asked[0].reply(plugin::Refused(AuthReason::kDenied, "no"));
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 401);
  EXPECT_EQ(played_.instances, 0);
}

TEST_F(AuthTest, AnAnswerMayComeLater) {
  Start("auth: a, backend: tcp");
  TestServer server(gw_->network(), Address("127.0.0.1:7001"));
  GatewayClient client = gw_->Connect();
  EXPECT_EQ(client.Upgrade("/r", "X-Key: k\r\n").status, 0);
  EXPECT_EQ(server.size(), 0u);
  EXPECT_EQ(played_.under_way, 1);
  played_.asked[0].reply(LetIn("alice"));
  played_.asked[0].reply(LetIn("mallory"));
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 101);
  EXPECT_EQ(gw_->log().Last("session open", "user"), "alice");
}

TEST_F(AuthTest, TheFirstThatFindsItsCredentialDecides) {
  Start("auth: [ a, b ], plugin: echo");
  played_.answer = plugin::Refused(AuthReason::kWrong, "no", "Played again");
  GatewayClient client = gw_->Connect();
  const ResponseHead head = client.Upgrade("/r", "X-Other: two\r\nX-Key: one\r\n");
  EXPECT_EQ(head.status, 401);
  EXPECT_EQ(Joined(head, "www-authenticate"), "Played again");
  ASSERT_EQ(played_.asked.size(), 1u);
  EXPECT_EQ(played_.asked[0].credential, "one");
  EXPECT_EQ(gw_->log().Last("access refused", "auth"), "a");
  EXPECT_EQ(gw_->log().Last("access refused", "why"), "no");
}

TEST_F(AuthTest, OptionalLetsInWhoHasNoCredentialButNobodyWithAWrongOne) {
  Start("auth: { use: a, optional: true }, plugin: echo");
  GatewayClient nobody = gw_->Connect();
  EXPECT_EQ(nobody.Upgrade("/r").status, 101);
  EXPECT_EQ(gw_->log().Last("session open", "user"), "");
  EXPECT_EQ(Count(AuthReason::kNobody), 1u);
  played_.answer = plugin::Refused(AuthReason::kForbidden, "not in the group");
  GatewayClient wrong = gw_->Connect();
  EXPECT_EQ(wrong.Upgrade("/r", "X-Key: k\r\n").status, 403);
}

TEST_F(AuthTest, AnswersThatDoNotComeInTimeAre504) {
  Start("auth: a, plugin: echo");
  GatewayClient client = gw_->Connect();
  client.Upgrade("/r", "X-Key: k\r\n");
  gw_->loop().Advance(4s);
  EXPECT_EQ(client.Head().status, 504);
  EXPECT_EQ(played_.under_way, 0);
  EXPECT_EQ(Count(AuthReason::kTimeout), 1u);
  played_.asked[0].reply(LetIn("late"));
}

TEST_F(AuthTest, AClientThatGoesAwayCancelsItsCheck) {
  Start("auth: a, plugin: echo");
  GatewayClient client = gw_->Connect();
  client.Upgrade("/r", "X-Key: k\r\n");
  EXPECT_EQ(played_.under_way, 1);
  client.peer().Reset();
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(played_.under_way, 0);
  EXPECT_EQ(Count(AuthReason::kGone), 1u);
  EXPECT_EQ(gw_->Handshakes(HandshakeOutcome::kClientGone), 1u);
  played_.asked[0].reply(LetIn("late"));
}

TEST_F(AuthTest, ACredentialThatIsTooLongIsNotChecked) {
  Start("auth: a, plugin: echo", "http: { head_size: 256KiB }\n");
  GatewayClient client = gw_->Connect();
  EXPECT_EQ(client.Upgrade("/r", "X-Key: " + std::string(plugin::kMaxCredential + 1, 'x') + "\r\n")
                .status,
            401);
  EXPECT_TRUE(played_.asked.empty());
  EXPECT_EQ(Count(AuthReason::kMalformed), 1u);
}

TEST_F(AuthTest, TheServerGetsTheUserAndNoOneElseCanSaySo) {
  Start(R"(auth: { use: a, optional: true }, backend: web, request_headers: { set: )"
        R"({ X-User: "{user}", X-Groups: "{claim.group}", X-None: "{claim.none}" } })");
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  played_.answer = LetIn("alice");
  GatewayClient client = gw_->Connect();
  const std::string forged = "X-User: root\r\nx_user: root\r\nX-Groups: root\r\nX-None: root\r\n";
  client.Send(Get("X-Key: k\r\n" + forged));
  const std::string known = server[0].TakeReceived();
  EXPECT_THAT(known, HasSubstr("X-User: alice\r\n"));
  EXPECT_THAT(known, HasSubstr("X-Groups: admins\r\n"));
  EXPECT_THAT(known, Not(HasSubstr("root")));
  EXPECT_THAT(known, Not(HasSubstr("X-Key"))) << "taken out";
  server[0].Send("HTTP/1.1 204 No Content\r\n\r\n");
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 204);
  EXPECT_EQ(gw_->log().Last("request", "user"), "alice");
  client.Send(Get(forged));
  EXPECT_THAT(server[0].TakeReceived(), Not(HasSubstr("root"))) << "nobody";
}

TEST_F(AuthTest, WhatACheckSendsToTheServerCannotBeRemovedByTheClient) {
  Start("auth: a, backend: web");
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  AuthAnswer answer = LetIn("alice");
  answer.to_server.Add("X-Auth-Email", "a@example.com");
  answer.to_server.Add("Authorization", "Bearer of the service");
  answer.to_server.Add("X-Auth-Group", "");
  played_.answer = answer;
  GatewayClient client = gw_->Connect();
  client.Send(
      Get("X-Key: k\r\nConnection: keep-alive, X-Auth-Email\r\nauthorization: mine\r\n"
          "X-Auth-Group: mine\r\n"));
  EXPECT_THAT(server[0].TakeReceived(),
              AllOf(HasSubstr("X-Auth-Email: a@example.com\r\n"),
                    HasSubstr("Authorization: Bearer of the service\r\n"), Not(HasSubstr("mine"))));
}

TEST_F(AuthTest, TheBodyOfARequestWaitsForTheCheck) {
  Start("auth: a, backend: web");
  TestServer server(gw_->network(), Address("127.0.0.1:7000"));
  GatewayClient client = gw_->Connect();
  client.Send("POST /r HTTP/1.1\r\nHost: a.example\r\nX-Key: k\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(server.size(), 0u);
  played_.asked[0].reply(LetIn("alice"));
  gw_->loop().RunUntilIdle();
  EXPECT_THAT(server[0].TakeReceived(), testing::EndsWith("\r\n\r\nhello"));
}

TEST_F(AuthTest, AServiceGetsTheWholeRequestAfterALateAnswer) {
  Start("auth: a, plugin: broadcast, options: { http_publish: true }");
  GatewayClient listener = gw_->Connect();
  played_.answer = LetIn("alice");
  EXPECT_EQ(listener.Upgrade("/r", "X-Key: k\r\n").status, 101);
  played_.answer.reset();
  played_.asked.clear();
  GatewayClient client = gw_->Connect();
  client.Send(
      "POST /r HTTP/1.1\r\nHost: a.example\r\nX-Key: k\r\nContent-Type: text/plain\r\n"
      "Content-Length: 5\r\n\r\nhello");
  ASSERT_EQ(played_.asked.size(), 1u);
  played_.asked[0].reply(LetIn("alice"));
  gw_->loop().RunUntilIdle();
  EXPECT_LT(client.Head().status, 300);
  const auto frames = listener.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload, "hello");
}

// A recheck that the test plays.
struct PlayedRecheck final : plugin::AuthRecheck {
  io::Millis interval() const override { return 300s; }
  std::unique_ptr<io::Deletable> Ask(plugin::AuthReply reply) override {
    replies.push_back(reply);
    if (!answer) return std::make_unique<Check>();
    reply(*answer);
    return nullptr;
  }
  std::vector<plugin::AuthReply> replies;
  std::optional<AuthAnswer> answer;
};

AuthAnswer LetInFor(std::shared_ptr<PlayedRecheck> recheck) {
  auto identity = std::make_shared<plugin::Identity>("alice");
  identity->recheck = std::move(recheck);
  return plugin::Allowed(std::move(identity));
}

TEST_F(AuthTest, LiveSessionsAreCheckedAgainAndEndAtTheFirstNo) {
  Start("auth: a, plugin: echo");
  const auto recheck = std::make_shared<PlayedRecheck>();
  played_.answer = LetInFor(recheck);
  GatewayClient client = gw_->Connect();
  ASSERT_EQ(client.Upgrade("/r", "X-Key: k\r\n").status, 101);
  gw_->loop().Advance(269s);
  EXPECT_EQ(recheck->replies.size(), 0u);
  gw_->loop().Advance(32s);
  ASSERT_EQ(recheck->replies.size(), 1u);
  EXPECT_EQ(played_.under_way, 1);
  recheck->replies[0](LetIn("alice"));
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(played_.under_way, 0);
  gw_->loop().Advance(301s);
  ASSERT_EQ(recheck->replies.size(), 2u);
  recheck->replies[1](plugin::Refused(AuthReason::kFailed, "the service answered 500"));
  gw_->loop().RunUntilIdle();
  EXPECT_THAT(client.Frames(), testing::IsEmpty()) << "no answer is no no";
  EXPECT_EQ(gw_->log().Last("access not checked again", "why"), "the service answered 500");
  recheck->answer = plugin::Refused(AuthReason::kDenied, "the service answered 401");
  gw_->loop().Advance(301s);
  ASSERT_EQ(recheck->replies.size(), 3u);
  const auto frames = client.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload.substr(0, 2), "\x0b\xb8") << "3000";
  EXPECT_EQ(gw_->log().Last("access revoked", "user"), "alice");
  EXPECT_EQ(Count(AuthReason::kDenied), 1u);
}

TEST_F(AuthTest, ARecheckIsCancelledWithItsSession) {
  Start("auth: a, plugin: echo");
  const auto recheck = std::make_shared<PlayedRecheck>();
  played_.answer = LetInFor(recheck);
  GatewayClient client = gw_->Connect();
  ASSERT_EQ(client.Upgrade("/r", "X-Key: k\r\n").status, 101);
  gw_->loop().Advance(301s);
  EXPECT_EQ(played_.under_way, 1);
  client.peer().Reset();
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(played_.under_way, 0);
  recheck->replies[0](plugin::Refused(AuthReason::kDenied, "late"));
  gw_->loop().Advance(700s);
  EXPECT_EQ(recheck->replies.size(), 1u);
}

TEST_F(AuthTest, ARecheckUnderWayGoesWithTheGateway) {
  Start("auth: a, plugin: echo");
  const auto recheck = std::make_shared<PlayedRecheck>();
  played_.answer = LetInFor(recheck);
  GatewayClient client = gw_->Connect();
  ASSERT_EQ(client.Upgrade("/r", "X-Key: k\r\n").status, 101);
  gw_->loop().Advance(301s);
  EXPECT_EQ(played_.under_way, 1);
  gw_.reset();
  EXPECT_EQ(played_.under_way, 0);
}

TEST_F(AuthTest, PreflightsAreAnsweredWithoutACredential) {
  Start(R"(auth: a, backend: web, cors: { allow_origins: [ "https://app.example" ] })");
  GatewayClient client = gw_->Connect();
  client.Send(
      "OPTIONS /r HTTP/1.1\r\nHost: a.example\r\nOrigin: https://app.example\r\n"
      "Access-Control-Request-Method: GET\r\n\r\n");
  EXPECT_EQ(client.Head().status, 204);
  client.Send(Get("Origin: https://app.example\r\n"));
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 401);
  EXPECT_EQ(Joined(head, "access-control-allow-origin"), "https://app.example")
      << "so that the page can read the 401";
}

TEST_F(AuthTest, AForbiddenOriginIsRefusedBeforeTheCheck) {
  Start("auth: a, plugin: echo");
  GatewayClient client = gw_->Connect();
  EXPECT_EQ(client.Upgrade("/r", "X-Key: k\r\nOrigin: https://evil.example\r\n").status, 403);
  EXPECT_TRUE(played_.asked.empty());
}

TEST_F(AuthTest, ASessionEndsWithItsCredentialAlsoWhileItTalks) {
  Start("auth: a, plugin: echo");
  const std::int64_t now = gw_->loop().timers().UnixSeconds() * 1000;
  played_.answer = LetIn("alice", now + 60'000);
  GatewayClient client = gw_->Connect();
  EXPECT_EQ(client.Upgrade("/r", "X-Key: k\r\n").status, 101);
  for (int i = 0; i < 59; ++i) {
    gw_->loop().Advance(1s);
    client.Send(TextFrame("still here"));
  }
  EXPECT_EQ(client.ReceivedClose(), 0);
  gw_->loop().Advance(2s);
  EXPECT_EQ(client.ReceivedClose(), 3000);
}

TEST_F(AuthTest, TheCodeOfTheCloseCanBeChosen) {
  Start("auth: { use: a, expired_code: 4001 }, plugin: echo");
  played_.answer = LetIn("alice", gw_->loop().timers().UnixSeconds() * 1000 + 5'000);
  GatewayClient client = gw_->Connect();
  client.Upgrade("/r", "X-Key: k\r\n");
  gw_->loop().Advance(7s);
  EXPECT_EQ(client.ReceivedClose(), 4001);
}

TEST_F(AuthTest, ACredentialThatEndsInTheFarFutureEndsNothing) {
  Start("auth: a, plugin: echo");
  played_.answer = LetIn("alice", 253'402'300'799'000);
  GatewayClient client = gw_->Connect();
  client.Upgrade("/r", "X-Key: k\r\n");
  gw_->loop().Advance(24h);
  EXPECT_EQ(client.ReceivedClose(), 0);
}

TEST_F(AuthTest, AnOperatorClosesTheSessionsOfAUser) {
  Start("auth: a, plugin: echo");
  played_.answer = LetIn("alice");
  GatewayClient alice = gw_->Connect();
  alice.Upgrade("/r", "X-Key: k\r\n");
  played_.answer = LetIn("bob");
  GatewayClient bob = gw_->Connect();
  bob.Upgrade("/r", "X-Key: k\r\n");
  std::size_t closed = 0;
  upgrade::Gateway::CloseOrder order;
  order.filter.user = "alice";
  order.code = 3000;
  gw_->gateway().CloseSessions(order, [&](std::size_t n) { closed = n; });
  gw_->loop().RunUntilIdle();
  EXPECT_EQ(closed, 1u);
  EXPECT_EQ(alice.ReceivedClose(), 3000);
  EXPECT_EQ(bob.ReceivedClose(), 0);
}

TEST_F(AuthTest, ARouteWithoutAuthAsksNobody) {
  Start("plugin: echo");
  GatewayClient client = gw_->Connect();
  EXPECT_EQ(client.Upgrade("/r", "X-Key: k\r\n").status, 101);
  EXPECT_TRUE(played_.asked.empty());
}

}  // namespace
}  // namespace upgate::test::auth_test
