// JSON without a tree: texts mean what another library reads in them.
#include "gateway/base/json_text.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "gateway/base/json.h"

namespace upgate::json_text_test {
namespace {

Json TreeOf(JsonValue value) {
  Json tree;
  if (value.is_object()) {
    tree = Json::object();
    for (const JsonValue member : value) tree.emplace(std::string(member.name()), TreeOf(member));
  } else if (value.is_array()) {
    tree = Json::array();
    for (const JsonValue item : value) tree.push_back(TreeOf(item));
  } else if (value.is_string()) {
    tree = std::string(value.text());
  } else if (value.is_real()) {
    tree = value.number();
  } else {
    tree = Json::parse(value.text());
  }
  return tree;
}

std::string Again(std::string_view text, JsonText::Limits limits = {}) {
  const auto json = JsonText::Read(text, limits);
  return json ? DumpJson(TreeOf(json->root())) : "discarded";
}

std::string WithTree(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? "discarded" : DumpJson(json);
}

TEST(JsonTextTest, ValuesAreRead) {
  for (const std::string_view text :
       {"null", "true", "-1", "18446744073709551615", "-9223372036854775808", "1.5", "\"a\"",
        "\"\"", "[]", "{}", "[1,[2,{}],[]]",
        R"({"b":[{"c":1},2],"a":{"d":null,"e":"x"},"f":false})"})
    EXPECT_EQ(Again(text), text);
  EXPECT_EQ(Again("\xef\xbb\xbf [ 1 ,\r\n\t2 ] "), "[1,2]");
}

TEST(JsonTextTest, NumbersMeanWhatTheyMeanInATree) {
  for (const std::string_view text : {"0", "-0", "-0.0", "1e2", "1E+2", "1.50", "1e-400"}) {
    EXPECT_NE(WithTree(text), "discarded") << text;
    EXPECT_EQ(Again(text), WithTree(text)) << text;
  }
  const auto json = JsonText::Read("[1700000000, 2.5e1]", {});
  const auto first = json->root().begin();
  EXPECT_EQ((*first).number(), 1'700'000'000);
  EXPECT_EQ((*first).text(), "1700000000");
}

TEST(JsonTextTest, EscapesAreReplaced) {
  EXPECT_EQ(Again(R"({"\u0061\"":"\\\/\b\f\n\r\t","c":"x\u00e9\u20ACy\ud83d\ude00z"})"),
            R"({"a\"":"\\/\b\f\n\r\t","c":"xé€y😀z"})");
  for (const std::string_view text :
       {R"("\)", R"("\x")", R"("\u")", R"("\u12")", R"("\u12g4")", R"("\ud800")", R"("\ud800x")",
        R"("\ud800\n")", R"("\ud800\u0041")", R"("\udc00")", R"("\ud800\)", R"("\ud800\u)"})
    EXPECT_EQ(Again(text), "discarded") << text;
}

TEST(JsonTextTest, TextMustBeUtf8) {
  for (const std::string_view text : {"\"\u00e9\u20ac\U0001f600\U0010ffff\ud7ff\"", "\"\x7f\""})
    EXPECT_EQ(Again(text), text);
  for (const std::string_view bytes :
       {"\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x98", "\xff", "\x1f", "\n"})
    EXPECT_EQ(Again("\"" + std::string(bytes) + "\""), "discarded") << bytes;
}

TEST(JsonTextTest, AnythingElseIsDiscarded) {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "[1",
                                      "[1,]",
                                      "{\"a\"}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "01",
                                      "-",
                                      "+1",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "0x1",
                                      "1 2",
                                      "{} x",
                                      "nul",
                                      "nulL",
                                      "truefals",
                                      "\"a",
                                      "'a'",
                                      "[1e999]",
                                      "18446744073709551616",
                                      "-9223372036854775809",
                                      "123456789012345678901234567890",
                                      "// a\n1",
                                      "\"\xff\"",
                                      "\xef\xbb",
                                      "{1:2}",
                                      "[,1]",
                                      "{,}",
                                      "]",
                                      "NaN"})
    EXPECT_EQ(Again(text), "discarded") << text;
  using namespace std::string_view_literals;
  for (const std::string_view text : {"{}\0"sv, "\"a\0b\""sv, "\0"sv, "1\0002"sv})
    EXPECT_EQ(Again(text), "discarded");
}

TEST(JsonTextTest, EveryPrefixIsDiscarded) {
  const std::string text = R"({"a":[1.5e+3,"\ud83d\ude00\n",true],"b":{"c":null,"d":"é"}})";
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_EQ(Again(text.substr(0, size)), "discarded") << size;
  EXPECT_EQ(Again(text), WithTree(text));
}

TEST(JsonTextTest, ANameTwiceIsDiscarded) {
  EXPECT_EQ(Again(R"({"a":1,"a":1})"), "discarded");
  EXPECT_EQ(Again(R"([{"b":{"a":1,"c":2,"\u0061":1}}])"), "discarded");
  const std::string text = R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})";
  EXPECT_EQ(Again(text), text);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "\"" + std::to_string(i) + "\":[{}],";
  EXPECT_EQ(Again("{" + many + "\"x\":1}").size(), many.size() + 7);
  EXPECT_EQ(Again("{" + many + "\"7\":1}"), "discarded");
}

TEST(JsonTextTest, TheDepthIsLimited) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + "1" + std::string(depth, ']');
  };
  EXPECT_EQ(Again(nested(3), {.depth = 3}), nested(3));
  EXPECT_EQ(Again(nested(4), {.depth = 3}), "discarded");
  EXPECT_EQ(Again(R"({"a":{"b":{"c":{"d":1}}}})", {.depth = 3}), "discarded");
  EXPECT_EQ(Again(nested(100'000)), "discarded");
}

TEST(JsonTextTest, TheNumberOfMembersIsLimited) {
  const std::string two = R"([{"a":1,"b":2},{"a":1,"b":2}])";
  EXPECT_EQ(Again(two, {.members = 2}), two);
  EXPECT_EQ(Again(R"([{"a":1,"b":2,"c":3}])", {.members = 2}), "discarded");
}

TEST(JsonTextTest, MembersAreFoundByName) {
  const auto json = JsonText::Read(R"({"a":{"b":[1,2]},"c":"x","":null})", {});
  const JsonValue root = json->root();
  EXPECT_EQ(root.Find("c")->text(), "x");
  EXPECT_TRUE(root.Find("")->is_null());
  EXPECT_TRUE(root.Find("a")->Find("b")->is_array());
  EXPECT_FALSE(root.Find("b"));
  EXPECT_FALSE(root.Find("c")->Find("x"));
  EXPECT_FALSE(root.Find("a")->Find("b")->Find("1"));
}

// Short texts are stored inside a std::string, and move with it.
TEST(JsonTextTest, MayBeMoved) {
  std::vector<JsonText> texts;
  for (int i = 0; i < 10; ++i) texts.push_back(*JsonText::Read("[\"ab\"]", {}));
  for (const JsonText& text : texts) EXPECT_EQ((*text.root().begin()).text(), "ab");
}

}  // namespace
}  // namespace upgate::json_text_test
