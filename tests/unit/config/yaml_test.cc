#include "gateway/config/yaml.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

using namespace std::literals;

std::string At(const Mark& mark) {
  return "@" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

// The tree in one line, each value with its mark: {a@1:1: x@1:4}
std::string Shape(const Value& value) {
  std::string out;
  switch (value.kind) {
    case Value::Kind::kAbsent:
      return "absent";
    case Value::Kind::kNull:
      return "null" + At(value.mark);
    case Value::Kind::kScalar:
      return (value.quoted ? "'" + value.scalar + "'" : value.scalar) + At(value.mark);
    case Value::Kind::kSequence:
      for (const Value& item : value.items) out += (out.empty() ? "" : ", ") + Shape(item);
      return "[" + out + "]" + At(value.mark);
    case Value::Kind::kMap:
      for (const auto& [key, member] : value.members) {
        out += (out.empty() ? "" : ", ") + Shape(key) + ": " + Shape(member);
      }
      return "{" + out + "}" + At(value.mark);
  }
  return out;
}

// The tree, followed by the errors.
std::string Parse(std::string_view text) {
  std::vector<ConfigError> errors;
  const auto value = ParseYaml(text, TestEnvironment, errors);
  return (value ? Shape(*value) + "\n" : "") + Written(errors);
}

std::string Nested(int depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(YamlTest, TreesHaveMarks) {
  EXPECT_EQ(Parse("a: x\nb:\n  - 1\n  - 'y'\n"),
            "{a@1:1: x@1:4, b@2:1: [1@3:5, 'y'@4:5]@3:3}@1:1\n");
  EXPECT_EQ(Parse("{ a: [ ], b: { } }"), "{a@1:3: []@1:6, b@1:11: {}@1:14}@1:1\n");
  EXPECT_EQ(Parse("# comment\r\n\r\n  a: \"x\"\r\n"), "{a@3:3: 'x'@3:6}@3:3\n");
  EXPECT_EQ(Parse("a: |\n  x\n  y\n"), "{a@1:1: 'x\ny\n'@1:4}@1:1\n");
}

TEST(YamlTest, ColumnsCountBytes) {
  EXPECT_EQ(Parse("\xc3\xa4: x"), "{\xc3\xa4@1:1: x@1:5}@1:1\n");
  EXPECT_EQ(Parse("\xef\xbb\xbf"
                  "a: x"),
            "{a@1:1: x@1:4}@1:1\n");
}

TEST(YamlTest, NullsKnowHowTheyWereWritten) {
  std::vector<ConfigError> errors;
  const auto root = ParseYaml("\xc3\xa4: null\r\nb: ~\nc:\nnullable: Null\nd: [ null, ]\n",
                              TestEnvironment, errors);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->members[0].value.scalar, "null");
  EXPECT_EQ(root->members[1].value.scalar, "~");
  EXPECT_EQ(root->members[2].value.scalar, "");
  EXPECT_EQ(root->members[3].value.scalar, "Null");
  EXPECT_EQ(root->members[4].value.items[0].scalar, "null");
}

TEST(YamlTest, ANullThatIsNotWrittenStandsAtItsKey) {
  EXPECT_EQ(Parse("a:\nb: ~\n"), "{a@1:1: null@1:1, b@2:1: null@2:4}@1:1\n");
}

TEST(YamlTest, EmptyDocumentsAreNull) {
  for (const auto* text : {"", "\n\n", "# nothing\n", "---\n", "~", "\xef\xbb\xbf"})
    EXPECT_EQ(Parse(text), "null@1:1\n") << text;
}

TEST(YamlTest, AliasesRepeatWhatTheyStandFor) {
  EXPECT_EQ(Parse("a: &x { b: 1 }\nc: *x\n"),
            "{a@1:1: {b@1:9: 1@1:12}@1:4, c@2:1: {b@1:9: 1@1:12}@1:4}@1:1\n");
}

TEST(YamlTest, EnvironmentIsPutIntoValuesAfterParsing) {
  EXPECT_EQ(Parse("a: ${HOST}:${PORT}"), "{a@1:1: db.example:5432@1:4}@1:1\n");
  EXPECT_EQ(Parse("a: ${YAML}"), "{a@1:1: x: [1]@1:4}@1:1\n");
  EXPECT_EQ(Parse("[ '${PORT}', \"$${PORT}\" ]"), "['5432'@1:3, '${PORT}'@1:14]@1:1\n");
  EXPECT_EQ(Parse("${HOST}: 1"), "{${HOST}@1:1: 1@1:10}@1:1\n");
}

TEST(YamlTest, AVariableThatIsNotSetIsAnErrorAtItsScalar) {
  EXPECT_EQ(Parse("a:\n  - b: x\n  - b: ${NONE}\n"),
            "{a@1:1: [{b@2:5: x@2:8}@2:5, {b@3:5: ${NONE}@3:8}@3:5]@2:3}@1:1\n"
            "3:8: a[1].b: the environment variable NONE is not set; set it, or give a default with "
            "${NONE:-value}\n");
}

TEST(YamlTest, RepeatedKeysNameTheFirstAndAreDropped) {
  EXPECT_EQ(Parse("a:\n  b: 1\n  c: 2\n  'b': 3\na: 4\n"),
            "{a@1:1: {b@2:3: 1@2:6, c@3:3: 2@3:6}@2:3}@1:1\n"
            "4:3: a.b: repeated key; first given in line 2\n"
            "5:1: a: repeated key; first given in line 1\n");
}

TEST(YamlTest, KeysAreText) {
  EXPECT_EQ(Parse("a:\n  [ b ]: 1\n"),
            "2:3: a: a key must be text, not a list or a map; put it in quotes if it is text\n");
  EXPECT_EQ(Parse("? { b: 1 }\n: 2\n"),
            "1:3: a key must be text, not a list or a map; put it in quotes if it is text\n");
  EXPECT_EQ(Parse(": 1\n"), "1:1: a ':' without a key before it\n");
  EXPECT_EQ(Parse("a: &x b\n*x : 1\n"), "2:1: a key cannot be an alias\n");
}

TEST(YamlTest, OneFileIsOneDocument) {
  EXPECT_EQ(Parse("a: 1\n---\nb: 2\n"),
            "2:1: a second document; one file holds one configuration\n");
  EXPECT_EQ(Parse("---\na: 1\n...\n"), "{a@2:1: 1@2:4}@2:1\n");
}

TEST(YamlTest, TagsMeanNothing) {
  EXPECT_EQ(Parse("a: !!str 1"), "{a@1:1: '1'@1:4}@1:1\n");
  EXPECT_EQ(Parse("a: !!int 1\nb: !x [ ]"),
            "{a@1:1: '1'@1:4, b@2:1: []@2:4}@1:1\n"
            "1:4: a: the tag 'tag:yaml.org,2002:int' is not supported; remove it\n"
            "2:4: b: the tag '!x' is not supported; remove it\n");
}

TEST(YamlTest, SyntaxErrorsHaveAPlaceAndAHintWhereOneIsLikely) {
  EXPECT_EQ(Parse("a: b: c\n"), "1:5: not YAML: illegal map value\n");
  EXPECT_EQ(Parse("a:\n\tb: 1\n"),
            "2:3: not YAML: illegal map value; indent with spaces, not with tabs\n");
  EXPECT_EQ(Parse("a:\n  b: 1\n\tc: 1\n"),
            "3:1: not YAML: illegal tab when looking for indentation; indent with spaces, not with "
            "tabs\n");
  EXPECT_EQ(Parse("a:\n  - b: 1\n   c: 2\n"),
            "3:4: not YAML: end of sequence not found; the indentation of this line matches no "
            "enclosing level\n");
  EXPECT_EQ(Parse("a:\n    b: 1\n  c: 2\n"),
            "3:3: not YAML: end of map not found; the indentation of this line matches no "
            "enclosing level\n");
  EXPECT_EQ(Parse("a: [ ${HOST} ]"),
            "1:7: not YAML: end of sequence flow not found; between [ ] or { } a variable needs "
            "quotes, as in "
            "\"${NAME}\"\n");
  // yaml-cpp names the anchor since 0.8.
  EXPECT_THAT(
      Parse("a: *.example.org"),
      testing::AllOf(testing::StartsWith("1:4: not YAML: the referenced anchor is not defined"),
                     testing::EndsWith("; a value that begins with '*' needs quotes, as in "
                                       "\"*.example.org\"\n")));
  EXPECT_EQ(
      Parse("a: *\n"),
      "1:5: not YAML: alias not found after *; a value that begins with '*' needs quotes, as in "
      "\"*.example.org\"\n");
  EXPECT_EQ(Parse("a: [::]:8080\n"),
            "1:8: not YAML: end of map not found; an address with [ ] needs quotes here, as in "
            "\"[::]:8080\"\n");
}

TEST(YamlTest, QuotesMustBeClosed) {
  EXPECT_EQ(Parse("a: 'x\nb: 1\n"), "1:4: a: a quote that is never closed\n");
  EXPECT_EQ(Parse("a: \"x\\\"\n"), "1:4: a: a quote that is never closed\n");
  EXPECT_EQ(Parse("a: 'it''s'\nb: \"\\\"\\\\\"\n"), "{a@1:1: 'it's'@1:4, b@2:1: '\"\\'@2:4}@1:1\n");
}

TEST(YamlTest, OctetsThatAreNotTextAreRefused) {
  EXPECT_EQ(Parse("a: 1\nb: \0"sv),
            "2:4: the control character 0x00 is not allowed in a configuration; remove it\n");
  EXPECT_EQ(Parse("a: \x1b[0m"),
            "1:4: the control character 0x1b is not allowed in a configuration; remove it\n");
  for (const auto bad : {"\x80"sv, "\xc3"sv, "\xc0\xaf"sv, "\xe0\x9f\xbf"sv, "\xed\xa0\x80"sv,
                         "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf5"sv, "\xff\xfe"sv}) {
    EXPECT_NE(Parse("a: "s.append(bad)).find("1:4: the octet 0x"), std::string::npos);
  }
  EXPECT_EQ(Parse("a: \xf4\x8f\xbf\xbf\xe2\x82\xac"),
            "{a@1:1: \xf4\x8f\xbf\xbf\xe2\x82\xac@1:4}@1:1\n");
}

TEST(YamlTest, EscapesCannotBringInANul) {
  EXPECT_NE(Parse("a: \"x\\0y\"").find("1:4: a: has a NUL character in it; remove it\n"),
            std::string::npos);
}

TEST(YamlTest, DepthIsBounded) {
  EXPECT_EQ(Parse(Nested(32)).find("nested"), std::string::npos);
  EXPECT_NE(Parse(Nested(33)).find("1:33: [0][0]"), std::string::npos);
  EXPECT_NE(Parse(Nested(33)).find("nested more than 32 deep"), std::string::npos);
  for (const char c : {'[', '{', '-', '?', '&', '*', '!', '"', '\''}) {
    EXPECT_NE(Parse(std::string(100'000, c)), "") << c;
    std::string spaced;
    for (int i = 0; i < 5'000; ++i) spaced += {c, ' '};
    EXPECT_NE(Parse(spaced), "") << c;
  }
}

TEST(YamlTest, AliasesCountTowardsTheDepth) {
  EXPECT_NE(Parse("- &a " + Nested(20) + "\n- [[[[[[[[[[[[ *a ]]]]]]]]]]]]\n")
                .find("nested more than 32 deep"),
            std::string::npos);
}

TEST(YamlTest, AliasBombsAreRefused) {
  std::string bomb = "a0: &a0 [ x, x, x, x, x, x, x, x, x, x ]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string n = std::to_string(i);
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + n + ": &a" + n + " [ ";
    for (int j = 0; j < 9; ++j) bomb += before + ", ";
    bomb += before + " ]\n";
  }
  EXPECT_NE(Parse(bomb).find("more than 200000 values in one file\n"), std::string::npos);
}

TEST(YamlTest, AliasesOfLongTextAreBounded) {
  std::string text = "- &a " + std::string(1 << 20, 'x') + "\n";
  for (int i = 0; i < 20; ++i) text += "- *a\n";
  EXPECT_NE(Parse(text).find("more than 16 MiB of values in one file\n"), std::string::npos);
}

TEST(YamlTest, AnAliasInsideOfItselfIsRefused) {
  EXPECT_EQ(Parse("a: &a [ *a ]"), "1:9: a[0]: an alias inside its own anchor\n");
}

TEST(YamlTest, SizeIsBounded) {
  EXPECT_EQ(Parse(std::string(kMaxText + 1, '\n')), "larger than 4 MiB\n");
  std::string nulls;
  for (int i = 0; i < 200'001; ++i) nulls += "-\n";
  EXPECT_NE(Parse(nulls).find("more than 200000 values in one file\n"), std::string::npos);
}

}  // namespace
}  // namespace upgate::config
