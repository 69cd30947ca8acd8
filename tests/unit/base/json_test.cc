#include "gateway/base/json.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace upgate {
namespace {

std::string Again(std::string_view text) {
  const Json json = ParseJson(text);
  return json.is_discarded() ? "discarded" : DumpJson(json);
}

TEST(JsonTest, ValuesAreRead) {
  for (const std::string_view text :
       {"null", "true", "-1", "18446744073709551615", "1.5", "\"a\"", "[]", "{}", "[1,[2,{}],[]]",
        R"({"b":[{"c":1},2],"a":{"d":null,"e":"x"},"f":false})"})
    EXPECT_EQ(Again(text), text);
  EXPECT_EQ(Again(" { \"a\" : \"\\u00e9\\n\" } "), "{\"a\":\"\u00e9\\n\"}");
}

TEST(JsonTest, AnythingElseIsDiscarded) {
  for (const std::string_view text :
       {"", " ", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "01", "1 2", "{} x", "nul",
        "\"a", "'a'", "\"\xff\"", "[1e999]", "// a\n1", "\xef\xbb"})
    EXPECT_EQ(Again(text), "discarded") << text;
}

TEST(JsonTest, ANameTwiceIsDiscarded) {
  EXPECT_EQ(Again(R"({"a":1,"a":1})"), "discarded");
  EXPECT_EQ(Again(R"([{"b":{"a":1,"c":2,"\u0061":1}}])"), "discarded");
  EXPECT_EQ(Again(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})"),
            R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})");
}

TEST(JsonTest, TheDepthIsLimited) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + "1" +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_FALSE(ParseJson(nested(3), 3).is_discarded());
  EXPECT_TRUE(ParseJson(nested(4), 3).is_discarded());
  EXPECT_TRUE(ParseJson(R"({"a":{"b":{"c":{"d":1}}}})", 3).is_discarded());
  EXPECT_TRUE(ParseJson(nested(100'000)).is_discarded());
}

TEST(JsonTest, TheNumberOfMembersIsLimited) {
  EXPECT_FALSE(ParseJson(R"([{"a":1,"b":2},{"a":1,"b":2}])", 64, 2).is_discarded());
  EXPECT_TRUE(ParseJson(R"([{"a":1,"b":2,"c":3}])", 64, 2).is_discarded());
}

}  // namespace
}  // namespace upgate
