#include "gateway/config/environment.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

std::string Put(std::string_view text) {
  const auto out = ExpandEnvironment(text, TestEnvironment);
  return out ? *out : "error: " + out.error();
}

TEST(EnvironmentTest, VariablesArePutIn) {
  EXPECT_EQ(Put("${HOST}"), "db.example");
  EXPECT_EQ(Put("tcp://${HOST}:${PORT}/"), "tcp://db.example:5432/");
  EXPECT_EQ(Put("[${EMPTY}]"), "[]");
  EXPECT_EQ(Put("plain $HOST {HOST} $"), "plain $HOST {HOST} $");
}

TEST(EnvironmentTest, DefaultsReplaceUnsetOrEmptyVariables) {
  EXPECT_EQ(Put("${NONE:-fallback}"), "fallback");
  EXPECT_EQ(Put("${EMPTY:-fallback}"), "fallback");
  EXPECT_EQ(Put("${HOST:-fallback}"), "db.example");
  EXPECT_EQ(Put("${NONE:-}"), "");
  EXPECT_EQ(Put("${NONE:-a:-b}"), "a:-b");
}

TEST(EnvironmentTest, TwoDollarsAreALiteralBrace) {
  EXPECT_EQ(Put("$${HOST}"), "${HOST}");
  EXPECT_EQ(Put("$${${PORT}}"), "${5432}");
  EXPECT_EQ(Put("a$$b"), "a$$b");
}

TEST(EnvironmentTest, AnUnsetVariableIsNamed) {
  EXPECT_EQ(Put("${NONE}"),
            "error: the environment variable NONE is not set; set it, or give a default with "
            "${NONE:-value}");
}

TEST(EnvironmentTest, WrongFormsAreRefused) {
  EXPECT_EQ(Put("${HOST"), "error: '${' without '}'; write ${NAME}, or $${ for a literal ${");
  EXPECT_EQ(
      Put("${}"),
      "error: '${}' is not an environment variable; write ${NAME} or ${NAME:-default}, or $${ "
      "for a literal ${");
  for (const auto* text :
       {"${1A}", "${A B}", "${A-b}", "${A:b}", "${:-x}", "${\xc3\xa4}", "${${A}}"}) {
    EXPECT_NE(Put(text).find("is not an environment variable"), std::string::npos) << text;
  }
}

TEST(EnvironmentTest, InsertedTextIsLimited) {
  std::string text;
  for (int i = 0; i < 7000; ++i) text += "${HOST}";
  EXPECT_EQ(Put(text), "error: longer than 64 KiB with its environment variables");
}

}  // namespace
}  // namespace upgate::config
