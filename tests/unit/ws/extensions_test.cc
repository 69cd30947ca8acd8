#include "gateway/ws/extensions.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate::ws {
namespace {

// "name;parameter=value;flag" for each extension, joined by spaces.
std::string Read(std::string_view field) {
  const auto extensions = ParseExtensions(field);
  if (!extensions) return "refused";
  std::string text;
  for (const Extension& extension : *extensions) {
    text += (text.empty() ? "" : " ") + extension.name;
    for (const auto& parameter : extension.parameters) {
      text += ";" + parameter.name + (parameter.value ? "=" + *parameter.value : "");
    }
  }
  return text;
}

TEST(ExtensionsTest, ReadsElementsAndParametersInOrder) {
  EXPECT_EQ(Read(""), "");
  EXPECT_EQ(Read("foo"), "foo");
  EXPECT_EQ(Read("foo, bar; baz=2"), "foo bar;baz=2");
  EXPECT_EQ(Read("foo; a; b=1; a"), "foo;a;b=1;a");
  EXPECT_EQ(Read("  foo ;\ta = 1 ,, bar  ,"), "foo;a=1 bar");
  EXPECT_EQ(Read("permessage-deflate; client_max_window_bits, permessage-deflate"),
            "permessage-deflate;client_max_window_bits permessage-deflate");
}

TEST(ExtensionsTest, QuotedValuesAreTokens) {
  EXPECT_EQ(Read("foo; a=\"10\""), "foo;a=10");
  EXPECT_EQ(Read("foo; a=\"1\\0\""), "foo;a=10");
  for (const char* wrong : {"foo; a=\"\"", "foo; a=\"1 0\"", "foo; a=\"1,0\"", "foo; a=\"10",
                            "foo; a=\"10\\", "foo; a=\"1\"0"}) {
    EXPECT_EQ(Read(wrong), "refused") << wrong;
  }
}

TEST(ExtensionsTest, RefusesWhatBreaksTheGrammar) {
  for (const char* wrong : {";", "foo;", "foo; =1", "foo; a=", "foo bar", "foo; a b", "foo; a=1 2",
                            "(foo)", "foo; a==1", "f\xc3\xb6"}) {
    EXPECT_EQ(Read(wrong), "refused") << wrong;
  }
}

TEST(ExtensionsTest, IsBounded) {
  std::string elements = "a";
  std::string parameters = "a";
  for (int i = 0; i < 31; ++i) {
    elements += ",a";
    parameters += ";b";
  }
  EXPECT_NE(Read(elements), "refused");
  EXPECT_EQ(Read(elements + ",a"), "refused");
  EXPECT_NE(Read(parameters + ";b"), "refused");
  EXPECT_EQ(Read(parameters + ";b;b"), "refused");
}

}  // namespace
}  // namespace upgate::ws
