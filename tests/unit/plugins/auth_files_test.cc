// The files of authenticators, and where credentials stand in requests.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/auth/failure_limit.h"
#include "plugins/auth/htpasswd.h"
#include "plugins/auth/places.h"
#include "plugins/auth/token_list.h"
#include "plugins/jwt/key_set.h"
#include "plugins/watched/watched.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/plugins/auth_fixture.h"

namespace upgate::plugins::auth_files_test {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr std::string_view kBcrypt = "$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy";

TEST(HtpasswdTest, FindsTheHashOfAUser) {
  const auto users =
      Htpasswd::Parse("# staff\n\nalice:" + std::string(kBcrypt) + "\r\nbob:$6$salt$hash\n");
  ASSERT_TRUE(users) << users.error();
  EXPECT_EQ(users->size(), 2u);
  EXPECT_EQ(users->Find("alice").hash, kBcrypt);
  EXPECT_TRUE(users->Find("alice").known);
  EXPECT_EQ(users->Find("bob").hash, "$6$salt$hash");
}

TEST(HtpasswdTest, AnUnknownUserHasTheHashOfAnotherToTakeAsLong) {
  const auto users = Htpasswd::Parse("alice:" + std::string(kBcrypt));
  EXPECT_FALSE(users->Find("mallory").known);
  EXPECT_EQ(users->Find("mallory").hash, kBcrypt);
}

TEST(HtpasswdTest, RefusesHashesThatAreTriedFastAndSaysWhatToUse) {
  for (const auto& [line, what] : std::initializer_list<std::pair<std::string, std::string>>{
           {"a:$apr1$x$y", "MD5"},
           {"a:$1$x$y", "MD5"},
           {"a:{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=", "SHA-1"},
           {"a:$5$x$y", "SHA-256"},
           {"a:$argon2id$x$y", "unknown kind"},
           {"a:password", "DES"}}) {
    const auto users = Htpasswd::Parse("b:" + std::string(kBcrypt) + "\n" + line);
    ASSERT_FALSE(users) << line;
    EXPECT_THAT(users.error(), HasSubstr("line 2 has a"));
    EXPECT_THAT(users.error(), HasSubstr(what));
    EXPECT_THAT(users.error(), HasSubstr("htpasswd -B"));
    EXPECT_THAT(users.error(), Not(HasSubstr("password,"))) << "nothing of the file";
  }
}

TEST(HtpasswdTest, NamesAllLinesThatAreWrong) {
  const auto users =
      Htpasswd::Parse("a:$apr1$x$y\nb:" + std::string(kBcrypt) + "\nnobody\nc:{SHA}x\n");
  ASSERT_FALSE(users);
  EXPECT_THAT(users.error(),
              testing::StartsWith("line 1 has an MD5 hash, which is not accepted; line 3 is not "
                                  "'user:hash'; line 4 has a SHA-1 hash, which is not accepted; "
                                  "use bcrypt"));
  std::string many;
  for (int i = 0; i < 13; ++i) many += "nobody\n";
  EXPECT_THAT(Htpasswd::Parse(many).error(), testing::EndsWith("is not 'user:hash'; and 3 more"));
}

TEST(HtpasswdTest, RefusesWhatIsNoLineOfUsers) {
  for (const std::string& text : {std::string("no colon"), std::string(":$6$a$b"),
                                  std::string("a:$6$a b"), std::string("a:"), std::string()}) {
    EXPECT_FALSE(Htpasswd::Parse(text)) << text;
  }
}

TEST(TokenListTest, FindsTheNameOfAToken) {
  const auto list = TokenList::Parse("# c\nci: 0123456789abcdef\n deploy :fedcba9876543210 \r\n");
  ASSERT_TRUE(list) << list.error();
  EXPECT_EQ(list->size(), 2u);
  EXPECT_EQ(list->Find("0123456789abcdef")->user, "ci");
  EXPECT_EQ(list->Find("fedcba9876543210")->user, "deploy");
  EXPECT_FALSE(list->Find("0123456789abcdeF"));
  EXPECT_FALSE(list->Find(""));
}

TEST(TokenListTest, NamesTheLineThatIsWrongButNothingOfIt) {
  for (const auto& [text, what] : std::initializer_list<std::pair<std::string, std::string>>{
           {"a: 0123456789abcdef\nsecretsecretsecret", "line 2 is not 'name: token'"},
           {"a: short", "fewer than 16 characters"},
           {"a: 0123456789abcdef\nb: 0123456789abcdef",
            "line 2 has a token that is there twice"}}) {
    const auto list = TokenList::Parse(text);
    ASSERT_FALSE(list);
    EXPECT_THAT(list.error(), HasSubstr(what));
    EXPECT_THAT(list.error(), Not(HasSubstr("secretsecret")));
  }
}

class TokenPlacesTest : public testing::Test {
 protected:
  TokenPlaces Places(std::string_view from) {
    std::vector<config::ConfigError> errors;
    const auto value =
        config::ParseYaml(from, [](const char*) -> const char* { return nullptr; }, errors);
    TokenPlaces places = TokenPlaces::Parse(config::Field(*value, "from", errors));
    wrong = errors.empty() ? "" : errors[0].message;
    return places;
  }
  std::string wrong;
};

TEST_F(TokenPlacesTest, TheFirstPlaceThatIsThereCounts) {
  const TokenPlaces places =
      Places("[ header, 'cookie:auth', 'query:jwt', 'subprotocol:bearer.' ]");
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(places.Find(RequestWith({{"Authorization", "bearer  abc"}}, "jwt=q")), "abc");
  EXPECT_EQ(places.Find(RequestWith({{"Cookie", "x=1; auth=def"}}, "jwt=q")), "def");
  EXPECT_EQ(places.Find(RequestWith({}, "a=b&jwt=q%2Dr")), "q-r");
  EXPECT_EQ(places.Find(RequestWith({{"Sec-WebSocket-Protocol", "mqtt, bearer.tok"}})), "tok");
  EXPECT_EQ(places.Find(RequestWith({{"Authorization", "Basic abc"}})), std::nullopt);
  EXPECT_EQ(places.Find(RequestWith({})), std::nullopt);
}

TEST_F(TokenPlacesTest, ARepeatedAuthorizationIsNoToken) {
  EXPECT_EQ(Places("[ header ]")
                .Find(RequestWith({{"Authorization", "Bearer a"}, {"authorization", "x"}})),
            "");
}

TEST_F(TokenPlacesTest, TakesTokensOutOfWhatGoesOn) {
  const TokenPlaces places = Places("[ 'query:jwt', 'subprotocol:bearer.' ]");
  http::Request request = RequestWith(
      {{"Sec-WebSocket-Protocol", "bearer.a, mqtt"}, {"Sec-WebSocket-Protocol", "bearer.b"}},
      "jwt=1&a=b&jwt=2");
  places.Remove(request);
  EXPECT_EQ(request.target.query, "a=b");
  EXPECT_EQ(request.headers.Joined("sec-websocket-protocol"), "mqtt");
  http::Request only = RequestWith({{"Sec-WebSocket-Protocol", "bearer.a"}}, "jwt=1");
  places.Remove(only);
  EXPECT_FALSE(only.target.has_query);
  EXPECT_EQ(only.headers.Count("sec-websocket-protocol"), 0u);
}

TEST_F(TokenPlacesTest, RefusesUnknownPlaces) {
  for (const std::string_view from : {"[ body ]", "[ 'cookie:' ]", "[ 'subprotocol:a b' ]"}) {
    Places(from);
    EXPECT_THAT(wrong, HasSubstr("use header, cookie:NAME")) << from;
  }
}

TEST(TokenListTest, ALineEndsOnlyWhereALineEnds) {
  EXPECT_THAT(TokenList::Parse("ci: 0123456789abcdef\rmore\n").error(),
              HasSubstr("control character"));
  EXPECT_THAT(Htpasswd::Parse("a\rb:" + std::string(kBcrypt)).error(), HasSubstr("line 1 is not"));
  EXPECT_FALSE(Htpasswd::Parse("a:" + std::string(kBcrypt) + "\rb:" + std::string(kBcrypt)));
}

TEST(FailureLimitTest, IsReachedForAnAddressForAWhile) {
  FailureLimit limit;
  const io::Instant now{};
  for (int i = 0; i < FailureLimit::kMost; ++i) {
    EXPECT_FALSE(limit.IsReached("192.0.2.1", now));
    limit.Count("192.0.2.1", now);
  }
  EXPECT_TRUE(limit.IsReached("192.0.2.1", now + 59s));
  EXPECT_FALSE(limit.IsReached("192.0.2.2", now));
  EXPECT_FALSE(limit.IsReached("192.0.2.1", now + 60s));
}

TEST(FailureLimitTest, NeighboursInAnIpv6NetworkAreTheSame) {
  FailureLimit limit;
  for (int i = 0; i < FailureLimit::kMost; ++i)
    limit.Count("2001:db8::" + std::to_string(i), io::Instant{});
  EXPECT_TRUE(limit.IsReached("2001:db8::ffff", io::Instant{}));
  EXPECT_FALSE(limit.IsReached("2001:db8:0:1::1", io::Instant{}));
}

TEST(FailureLimitTest, KeepsABoundedNumberOfAddresses) {
  FailureLimit limit;
  for (int i = 0; i < 10'000; ++i)
    limit.Count("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), io::Instant{});
  EXPECT_EQ(limit.size(), FailureLimit::kAddresses);
}

TEST(AuthFilesTest, AFifoIsNotWaitedFor) {
  test::TempFolder files;
  files.Fifo("fifo");
  for (const std::string& error :
       {Htpasswd::Read(files.At("fifo")).error(), TokenList::Read(files.At("fifo")).error(),
        KeySet::Read(files.At("fifo")).error()})
    EXPECT_THAT(error, HasSubstr("fifo is a FIFO; name a file"));
}

TEST(AuthFilesTest, AFileThatBecomesSomethingElseChangesNothing) {
  test::TempFolder files;
  test::CaptureLog log;
  files.Write("users", "alice:" + std::string(kBcrypt));
  const std::filesystem::path path = files.At("users");
  Watched<Htpasswd> users("password file", path, *Htpasswd::Read(path), StampOf(path));
  const auto becomes = [&](auto make) {
    std::filesystem::remove(path);
    make();
    EXPECT_FALSE(users.Refresh(log));
    EXPECT_EQ(users.Get()->size(), 1u);
    return log.Last("password file failed", "why");
  };
  EXPECT_THAT(becomes([&] { files.Fifo("users"); }), HasSubstr("is a FIFO"));
  EXPECT_THAT(becomes([&] { files.Folder("users"); }), HasSubstr("cannot read"));
  const auto make_huge = [&] {
    files.Write("users", "");
    files.Resize("users", std::uintmax_t{1} << 40);
  };
  EXPECT_THAT(becomes(make_huge), HasSubstr("is too large"));
}

}  // namespace
}  // namespace upgate::plugins::auth_files_test
