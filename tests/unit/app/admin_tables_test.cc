#include "gateway/app/admin_tables.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace upgate::app {
namespace {

TEST(AdminTablesTest, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(Table({{"ID", "ROUTE"}, {"1234", "/a"}, {"5", "/long"}}),
            "ID    ROUTE\n1234  /a\n5     /long\n");
}

TEST(AdminTablesTest, TimesAndSizesHaveTheUnitThatFits) {
  EXPECT_EQ(ShortTime(0.9), "0s");
  EXPECT_EQ(ShortTime(185), "3m05s");
  EXPECT_EQ(ShortTime(7'620), "2h07m");
  EXPECT_EQ(ShortTime(356'400), "4d03h");
  EXPECT_EQ(ShortBytes(0), "0 B");
  EXPECT_EQ(ShortBytes(1'536), "1.5 KiB");
  EXPECT_EQ(ShortBytes(std::uint64_t{2} << 30), "2.0 GiB");
}

TEST(AdminTablesTest, WhatAClientWroteCannotReachTheTerminal) {
  const Json page = Json::parse(R"({"total":1,"next":"age-1-2","sessions":[{"id":1,"route":"/a",
      "server":"plugin:echo","client":"\u001b[2J","subprotocol":"","age_s":1,"idle_s":1,
      "in":{"messages":1,"bytes":2},"out":{"messages":3,"bytes":4},"queued_bytes":0,
      "rtt_ms":null}]})");
  const std::string text = SessionsText(page);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_NE(text.find("1 of 1 sessions; the next page: --after age-1-2\n"), std::string::npos);
}

TEST(AdminTablesTest, AnAnswerOfAnotherFormIsAnException) {
  EXPECT_THROW(SessionsText(Json::parse(R"({"total":"x","sessions":[],"next":null})")),
               Json::exception);
  EXPECT_THROW(StatusText(Json::object()), Json::exception);
}

TEST(AdminTablesTest, StatusNamesWhatIsNotAsItShouldBe) {
  const Json stats = Json::parse(R"({"generation":3,"process":{"uptime_s":61},
      "totals":{"sessions_open":1,"connections_open":2},
      "servers":[{"url":"ws://a","failed":true,"drained":true},{"url":"ws://b","failed":false}],
      "routes":[{"name":"/r","drained":true}],"listeners":[{"address":"x:80","drained":false}],
      "certificates":[{"listener":"x:80","file":"a.crt","names":["a"],
                       "not_after":"2027-01-01T00:00:00Z","seconds_left":90000}]})");
  EXPECT_EQ(StatusText(stats),
            "configuration: 3\nuptime: 1m01s\nsessions: 1\nconnections: 2\n"
            "server ws://a: failed, drained\nroute /r: drained\n"
            "certificate a.crt of listener x:80: expires 2027-01-01T00:00:00Z, in 1d01h\n");
}

TEST(AdminTablesTest, ErrorsOfAReloadStandAtTheirPlaces) {
  EXPECT_EQ(ReloadErrors(R"({"ok":false,"errors":[{"file":"u.yaml","line":3,"column":5,"key":"a.b",
                             "message":"is wrong"},{"file":"u.yaml","line":0,"column":0,"key":"",
                             "message":"cannot be read"}]})"),
            "u.yaml:3:5: a.b: is wrong\nu.yaml: cannot be read\n");
  EXPECT_EQ(ReloadErrors("nonsense"), "");
  EXPECT_EQ(ReloadErrors(R"({"error":"no"})"), "");
}

}  // namespace
}  // namespace upgate::app
