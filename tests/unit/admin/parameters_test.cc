#include "gateway/admin/parameters.h"

#include <array>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/admin/sessions.h"

namespace upgate::admin {
namespace {

using testing::HasSubstr;
using upgrade::SessionOrder;

constexpr std::array<std::string_view, 10> kKnown{"route",       "server", "listener", "client",
                                                  "subprotocol", "limit",  "after",    "sort",
                                                  "code",        "reason"};

http::Request Asking(std::string_view query) {
  http::Request request;
  request.target.query = query;
  return request;
}

std::string WhyNotQuery(std::string_view query) {
  const auto read = ReadRequest(Asking(query), kKnown, ReadQuery);
  return read ? "" : read.error().message;
}

std::string WhyNotClose(std::string_view query) {
  const auto read = ReadRequest(Asking(query), kKnown, ReadClose);
  return read ? "" : read.error().message;
}

TEST(ParametersTest, ReadsAFilterPercentDecoded) {
  const auto filter =
      ReadRequest(Asking("route=%2Fchat+room&client=10.0.0.0/8&subprotocol="), kKnown, ReadFilter);
  ASSERT_TRUE(filter) << filter.error().message;
  EXPECT_EQ(filter->route, "/chat room");
  EXPECT_TRUE(filter->client->Contains(*Ip::Parse("10.9.9.9")));
  EXPECT_EQ(filter->subprotocol, "") << "sessions without one";
  EXPECT_FALSE(filter->server);
  EXPECT_FALSE(filter->empty());
}

TEST(ParametersTest, EveryMistakeIsToldWithWhatWouldBeRight) {
  EXPECT_EQ(WhyNotQuery("rout=/a"), "unknown parameter 'rout'; did you mean 'route'?");
  EXPECT_THAT(WhyNotQuery("zzzzzzzzz=1"), HasSubstr("known are route, server"));
  EXPECT_EQ(WhyNotQuery("route=/a&route=/b"), "route: is given twice");
  EXPECT_EQ(WhyNotQuery("route"), "route: has no value");
  EXPECT_THAT(WhyNotQuery("client=10.0.0.0/33"), HasSubstr("such as 10.0.0.0/8"));
  EXPECT_THAT(WhyNotQuery("limit=0"), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(WhyNotQuery("limit=1001"), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(WhyNotQuery("limit=1e3"), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(WhyNotQuery("sort=size"), HasSubstr("bytes, age or idle"));
  EXPECT_THAT(WhyNotQuery("after=x"), HasSubstr("'next' of a page with sort=id"));
  EXPECT_THAT(WhyNotQuery("sort=age&after=bytes-1-2"), HasSubstr("sort=age"));
}

TEST(ParametersTest, OnlyWhatMayStandInACloseIsTaken) {
  for (const std::string_view query : {"code=1000", "code=1008", "code=4999", "reason=", ""})
    EXPECT_EQ(WhyNotClose(query), "") << query;
  for (const std::string_view query : {"code=999", "code=1005", "code=1006", "code=1015",
                                       "code=2999", "code=5000", "code=66544", "code=-1"})
    EXPECT_THAT(WhyNotClose(query), HasSubstr("1000-1003")) << query;
  EXPECT_EQ(WhyNotClose("reason=" + std::string(123, 'x')), "");
  EXPECT_THAT(WhyNotClose("reason=" + std::string(124, 'x')), HasSubstr("room for 123"));
  EXPECT_EQ(WhyNotClose("reason=%ff"), "reason: is not UTF-8");
}

TEST(ParametersTest, WithoutWordsAClosesReasonNamesTheOperator) {
  const auto words = ReadClose({});
  ASSERT_TRUE(words);
  EXPECT_EQ(words->code, 1008);
  EXPECT_EQ(words->reason, "closed by an operator");
}

TEST(ParametersTest, ASpreadHasAUnitAndABound) {
  EXPECT_EQ(ReadSpread({{"spread", "10s"}})->value(), io::Millis{10'000});
  EXPECT_FALSE(ReadSpread({})->has_value());
  for (const char* text : {"10", "25h", "-1s", "soon"})
    EXPECT_FALSE(ReadSpread({{"spread", text}})) << text;
}

TEST(ParametersTest, CursorsAreReadAsTheyWereWritten) {
  for (const auto order : {SessionOrder::kBytes, SessionOrder::kAge, SessionOrder::kIdle}) {
    const upgrade::SessionRank rank{~std::uint64_t{0}, 77};
    const std::string cursor = WriteCursor(order, rank);
    const std::string sort = cursor.substr(0, cursor.find('-'));
    const auto query = ReadQuery({{"sort", sort}, {"after", cursor}});
    ASSERT_TRUE(query) << query.error().message;
    EXPECT_EQ(query->order, order);
    EXPECT_EQ(query->after, rank);
  }
}

TEST(ParametersTest, AnIdIsANumberAboveZero) {
  EXPECT_EQ(ReadId("12").value(), 12u);
  for (const char* text : {"", "0", "x", "1x", "-1", "99999999999999999999"})
    EXPECT_EQ(ReadId(text).error().status, 404) << text;
}

TEST(SessionJsonTest, IsOneLineWithEverythingThatIsKnown) {
  std::string text;
  AppendSession(text, {.id = 7,
                       .route = "/chat",
                       .server = "ws://10.0.0.1",
                       .client = "a\"b\x01",
                       .listener = "0.0.0.0:80",
                       .subprotocol = "",
                       .user = "ann",
                       .dialect = "rfc6455",
                       .opened_unix_s = 1'000'000'000,
                       .age = io::Millis{61'500},
                       .idle = io::Millis{20},
                       .totals = {1, 2, 3, 4},
                       .queued = 5,
                       .rtt_us = 1'234});
  EXPECT_EQ(text, R"({"id":7,"route":"/chat","server":"ws://10.0.0.1","client":"a\"b\u0001",)"
                  R"("listener":"0.0.0.0:80","subprotocol":"","user":"ann","dialect":"rfc6455",)"
                  R"("opened":"2001-09-09T01:46:40Z","age_s":61.500,"idle_s":0.020,)"
                  R"("in":{"messages":1,"bytes":2},"out":{"messages":3,"bytes":4},)"
                  R"("queued_bytes":5,"rtt_ms":1.234})");
}

}  // namespace
}  // namespace upgate::admin
