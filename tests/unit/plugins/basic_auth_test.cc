// Users and passwords: hashed on another thread, remembered when right, answered late when wrong.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/base64.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/plugins/auth_fixture.h"

namespace upgate::plugins::basic_auth_test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view kUsers =
    "alice:$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n"
    "bob:$6$rounds=1000$saltsalt$"
    "/IiX/CoEcxCZ9SksEXnbjfCT1LGvD4z5OpJkaFYl/T37OAwuKZ8I8BixDhruhPLkw6lS7dw/6wQWgQnGo7lLg/\n"
    "carol:$y$j75$saltsalt$4r23Ja.bWt2eh8ftPtYPeuGW9RLxoj8WxeDLVNbfhH4\n";

class BasicAuthTest : public AuthPluginTest {
 protected:
  BasicAuthTest() {
    files_.Write("users", kUsers);
    folder_ = files_.path();
    Start("basic", "{ file: users }");
  }
  static std::string Login(std::string_view login) { return Base64Encode(AsBytes(login)); }
  // Of a login that has to be hashed; the pause after a wrong one passes.
  std::string Answer(std::string_view login, std::string_view client = "192.0.2.1") {
    Checked checked(*instance_, Login(login), {}, client);
    if (checked.done()) return checked.answer();
    host_.RunPosted();
    loop_.Advance(1s);
    return checked.answer();
  }

  test::TempFolder files_;
};

TEST_F(BasicAuthTest, LetsUsersInByEveryKindOfHash) {
  EXPECT_EQ(Answer("alice:open sesame"), "let in alice");
  EXPECT_EQ(Answer("bob:open sesame"), "let in bob");
  EXPECT_EQ(Answer("carol:open sesame"), "let in carol");
}

TEST_F(BasicAuthTest, RefusesWrongPasswordsAndUnknownUsersAlike) {
  EXPECT_EQ(Answer("alice:open Sesame"), "wrong 401");
  EXPECT_EQ(Answer("mallory:open sesame"), "wrong 401") << "although it is the first user's";
  EXPECT_EQ(Answer("alice:"), "wrong 401");
}

TEST_F(BasicAuthTest, SaysWhosePasswordWasWrong) {
  const auto user_of = [&](std::string_view login) {
    Checked checked(*instance_, Login(login));
    host_.RunPosted();
    loop_.Advance(1s);
    return checked.whole().user;
  };
  EXPECT_EQ(user_of("alice:no"), "alice");
  EXPECT_EQ(user_of("open sesame:no"), "") << "may be a password";
}

TEST_F(BasicAuthTest, TellsWithoutAnInstanceWhatItWouldAnswer) {
  const auto preview = [&](std::string_view login) {
    const http::Request request{};
    const std::string credential = Login(login);
    const auto answer = check_->Preview({.credential = credential,
                                         .client = {},
                                         .scheme = {},
                                         .host = {},
                                         .request = request,
                                         .tls = nullptr},
                                        0);
    return answer->identity ? answer->identity->user : answer->why;
  };
  EXPECT_EQ(preview("alice:open sesame"), "alice");
  EXPECT_EQ(preview("alice:no"), "the password is wrong");
  EXPECT_EQ(preview("mallory:open sesame"), "the user is unknown");
}

TEST_F(BasicAuthTest, AnswersAWrongPasswordLate) {
  Checked checked(*instance_, Login("alice:no"));
  host_.RunPosted();
  loop_.Advance(900ms);
  EXPECT_FALSE(checked.done());
  loop_.Advance(200ms);
  EXPECT_EQ(checked.answer(), "wrong 401");
  EXPECT_THAT(*checked.whole().response.headers.Find("www-authenticate"),
              HasSubstr("Basic realm="));
}

TEST_F(BasicAuthTest, RemembersARightPasswordForAMinute) {
  Answer("alice:open sesame");
  EXPECT_EQ(Checked(*instance_, Login("alice:open sesame")).answer(), "let in alice");
  EXPECT_EQ(Answer("alice:open sesam"), "wrong 401");
  loop_.Advance(60s);
  Checked again(*instance_, Login("alice:open sesame"));
  EXPECT_FALSE(again.done());
  host_.RunPosted();
  EXPECT_EQ(again.answer(), "let in alice");
}

TEST_F(BasicAuthTest, LimitsFailuresOfAnAddress) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Answer("alice:no"), "wrong 401");
  EXPECT_EQ(Answer("alice:open sesame"), "too_many 429");
  EXPECT_EQ(Answer("alice:open sesame", "192.0.2.2"), "let in alice");
  EXPECT_EQ(Answer("alice:open sesame"), "let in alice") << "what is remembered needs no try";
}

TEST_F(BasicAuthTest, PasswordsThatWaitTogetherAreNoMoreTries) {
  std::vector<std::unique_ptr<Checked>> tries;
  for (int i = 0; i < 30; ++i)
    tries.push_back(std::make_unique<Checked>(*instance_, Login("alice:no" + std::to_string(i))));
  Checked other(*instance_, Login("alice:open sesame"), {}, "192.0.2.2");
  while (!other.done()) host_.RunPosted();
  loop_.Advance(1s);
  const auto count = [&](std::string_view answer) {
    return std::ranges::count_if(tries, [&](const auto& one) { return one->answer() == answer; });
  };
  EXPECT_EQ(count("wrong 401"), 10);
  EXPECT_EQ(count("too_many 429"), 20);
  EXPECT_EQ(other.answer(), "let in alice");
}

TEST_F(BasicAuthTest, LoopsCountFailuresTogether) {
  auto other = check_->Start(host_);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Answer("alice:no"), "wrong 401");
  std::swap(instance_, other);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Answer("alice:no"), "wrong 401");
  EXPECT_EQ(Answer("alice:open sesame"), "too_many 429");
}

TEST_F(BasicAuthTest, RefusesWhatIsNoLogin) {
  for (const std::string& credential :
       {std::string("%"), Login("alice"), Login(":x"), Login(std::string("a:b\0c", 5)),
        Login("a:" + std::string(300, 'x')), std::string()}) {
    EXPECT_EQ(Checked(*instance_, credential).answer(), "malformed 401") << credential;
  }
}

TEST_F(BasicAuthTest, AClientThatGoesAwayIsNotAnswered) {
  Checked checked(*instance_, Login("alice:open sesame"));
  checked.Cancel();
  Checked other(*instance_, Login("bob:open sesame"));
  while (!other.done()) host_.RunPosted();  // the first may have been hashed already
  EXPECT_EQ(other.answer(), "let in bob") << "the worker goes on";
  EXPECT_FALSE(checked.done());
}

TEST_F(BasicAuthTest, LogsNoPassword) {
  Answer("alice:verysecret");
  EXPECT_FALSE(host_.log().Mentions("verysecret"));
}

TEST_F(BasicAuthTest, FindsOnlyItsOwnKindOfCredential) {
  EXPECT_EQ(check_->Find(RequestWith({{"Authorization", "Basic YTpi"}}), nullptr), "YTpi");
  EXPECT_EQ(check_->Find(RequestWith({{"Authorization", "Bearer YTpi"}}), nullptr), std::nullopt);
  EXPECT_EQ(check_->Find(RequestWith({}), nullptr), std::nullopt);
}

TEST_F(BasicAuthTest, SaysWhatIsWrongWithTheOptions) {
  files_.Write("md5", "a:$apr1$x$y\n");
  Make("basic", "{ file: md5 }");
  EXPECT_THAT(Errors(), HasSubstr("htpasswd -B"));
  Make("basic", "{ file: missing }");
  EXPECT_THAT(Errors(), HasSubstr("missing"));
  Make("basic", "{ file: users, realm: 'a\"b', reallm: x }");
  EXPECT_THAT(Errors(), HasSubstr("printable ASCII"));
  EXPECT_THAT(Errors(), HasSubstr("reallm"));
}

class TokenAuthTest : public AuthPluginTest {
 protected:
  TokenAuthTest() {
    files_.Write("tokens", "ci: 0123456789abcdef\n");
    folder_ = files_.path();
  }
  test::TempFolder files_;
};

TEST_F(TokenAuthTest, LetsInWhoHasAToken) {
  Start("token", "{ file: tokens }");
  EXPECT_EQ(Checked(*instance_, "0123456789abcdef").answer(), "let in ci");
  Checked wrong(*instance_, "0123456789abcdee");
  EXPECT_EQ(wrong.answer(), "wrong 401");
  EXPECT_EQ(*wrong.whole().response.headers.Find("www-authenticate"),
            R"(Bearer realm="upgate", error="invalid_token")");
}

TEST_F(TokenAuthTest, SaysWhatIsWrongWithTheOptions) {
  files_.Write("bad", "no token here\n");
  Make("token", "{ file: bad, from: [ body ] }");
  EXPECT_THAT(Errors(), HasSubstr("line 1 is not 'name: token'"));
  EXPECT_THAT(Errors(), HasSubstr("is not a place for a token"));
  EXPECT_THAT(Errors(), testing::Not(HasSubstr("no token here")));
}

}  // namespace
}  // namespace upgate::plugins::basic_auth_test
