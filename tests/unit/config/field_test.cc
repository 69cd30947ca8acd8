#include "gateway/config/field.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/yaml.h"
#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

enum class Mode { kFast, kSafe };

// Settings like those of a plugin.
struct Settings {
  std::string name;
  std::uint32_t count = 3;
  Millis pause{100};
  bool loud = false;
  Mode mode = Mode::kSafe;
  std::vector<std::string> words;
};

Settings Read(Field f) {
  Settings s;
  s.name = f["name"].Required<std::string>();
  s.count = f["count"].Optional(s.count, {1, 10});
  s.pause = f["pause"].Optional(s.pause);
  s.loud = f["loud"].Optional(s.loud);
  s.mode = f["mode"].OneOf<Mode>({{"fast", Mode::kFast}, {"safe", Mode::kSafe}}, s.mode);
  s.words = f["words"].List<std::string>();
  f.RejectUnknownKeys();
  return s;
}

class FieldTest : public testing::Test {
 protected:
  std::string ErrorsOf(std::string_view text) {
    errors_.clear();
    value_ = *ParseYaml(text, TestEnvironment, errors_);
    settings_ = Read(Field(value_, "options", errors_));
    return Written(errors_);
  }

  Value value_;
  Settings settings_;
  std::vector<ConfigError> errors_;
};

TEST_F(FieldTest, ReadsPresentKeys) {
  EXPECT_EQ(ErrorsOf("{ name: a, count: 7, pause: 2s, loud: true, mode: fast, words: [ x, y ] }"),
            "");
  EXPECT_EQ(settings_.name, "a");
  EXPECT_EQ(settings_.count, 7u);
  EXPECT_EQ(settings_.pause, Millis{2000});
  EXPECT_TRUE(settings_.loud);
  EXPECT_EQ(settings_.mode, Mode::kFast);
  EXPECT_EQ(settings_.words, (std::vector<std::string>{"x", "y"}));
}

TEST_F(FieldTest, DefaultsStandWhereNothingIs) {
  EXPECT_EQ(ErrorsOf("name: a"), "");
  EXPECT_EQ(settings_.count, 3u);
  EXPECT_EQ(settings_.pause, Millis{100});
  EXPECT_FALSE(settings_.loud);
  EXPECT_EQ(settings_.mode, Mode::kSafe);
  EXPECT_TRUE(settings_.words.empty());
}

TEST_F(FieldTest, MissingKeysStandAtTheMapThatShouldHaveThem) {
  EXPECT_EQ(ErrorsOf("\n  count: 1"), "2:3: options.name: missing; needs text\n");
}

TEST_F(FieldTest, UnknownKeysHaveASuggestionOrTheListOfKnownOnes) {
  EXPECT_EQ(
      ErrorsOf("name: a\npuase: 1s\nzzzzzzz: 2\n"),
      "2:1: options.puase: unknown key; did you mean 'pause'?\n"
      "3:1: options.zzzzzzz: unknown key; known here: name, count, pause, loud, mode, words\n");
}

TEST_F(FieldTest, HostileKeysAreEscapedAndCut) {
  EXPECT_EQ(
      ErrorsOf("name: a\n\"x\\n\\e\": 1\n"),
      "2:1: options.x\\x0a\\x1b: unknown key; known here: name, count, pause, loud, mode, words\n");
  EXPECT_LT(ErrorsOf("name: a\n" + std::string(1000, 'k') + ": 1\n").size(), 200u);
}

TEST_F(FieldTest, WrongKindsNameTheExpectedKind) {
  EXPECT_EQ(ErrorsOf("name: [ ]\ncount: { }\npause:\nloud: [ true ]\nmode: ~\n"),
            "1:7: options.name: is a list; needs text\n"
            "2:8: options.count: is a map; needs a whole number\n"
            "3:1: options.pause: is empty; needs a duration such as 30s (ms, s, m or h)\n"
            "4:7: options.loud: is a list; needs true or false\n"
            "5:7: options.mode: is empty; needs fast or safe\n");
}

TEST_F(FieldTest, AValueThatIsNotAMapIsOneError) {
  constexpr auto kKeys = "needs a map with the keys name, count, pause, loud, mode, words\n";
  EXPECT_EQ(ErrorsOf("text"), std::string("1:1: options: is text; ") + kKeys);
  EXPECT_EQ(ErrorsOf("[ name ]"), std::string("1:1: options: is a list; ") + kKeys);
  EXPECT_EQ(ErrorsOf("~"), std::string("1:1: options: is empty; ") + kKeys);
}

TEST_F(FieldTest, NumbersHaveTheirRange) {
  EXPECT_EQ(ErrorsOf("{ name: a, count: 0 }"),
            "1:19: options.count: '0' is out of range; use 1 to 10\n");
  EXPECT_EQ(ErrorsOf("{ name: a, count: 11 }"),
            "1:19: options.count: '11' is out of range; use 1 to 10\n");
  EXPECT_EQ(ErrorsOf("{ name: a, count: -99999999999999999999 }"),
            "1:19: options.count: '-99999999999999999999' is out of range; use 1 to 10\n");
  EXPECT_EQ(ErrorsOf("{ name: a, count: x }"), "1:19: options.count: 'x' is not a whole number\n");
  EXPECT_EQ(settings_.count, 3u);
}

TEST_F(FieldTest, QuotedBooleansAreText) {
  EXPECT_EQ(ErrorsOf("{ name: a, loud: \"true\" }"),
            "1:18: options.loud: 'true' is text in quotes; write true without quotes\n");
  EXPECT_EQ(ErrorsOf("{ name: a, loud: yes }"),
            "1:18: options.loud: 'yes' is not true or false; did you mean true?\n");
  EXPECT_EQ(ErrorsOf("{ name: a, loud: \"${NONE:-true}\" }"), "");
  EXPECT_TRUE(settings_.loud);
}

TEST_F(FieldTest, ChoicesAreListed) {
  EXPECT_EQ(ErrorsOf("{ name: a, mode: Fsat }"),
            "1:18: options.mode: 'Fsat' is not fast or safe; did you mean 'fast'?\n");
  EXPECT_EQ(ErrorsOf("{ name: a, mode: whatever }"),
            "1:18: options.mode: 'whatever' is not fast or safe\n");
}

TEST_F(FieldTest, AScalarIsNotAList) {
  EXPECT_EQ(ErrorsOf("{ name: a, words: x }"),
            "1:19: options.words: is text; needs a list: write [ x ]\n");
  EXPECT_EQ(ErrorsOf("{ name: a, words: '*' }"),
            "1:19: options.words: is text; needs a list: write [ \"*\" ]\n");
  EXPECT_EQ(ErrorsOf("{ name: a, words: { x: 1 } }"),
            "1:19: options.words: is a map; needs a list\n");
  EXPECT_EQ(ErrorsOf("{ name: a, words: [ x, [ ], { } ] }"),
            "1:24: options.words[1]: is a list; needs text\n"
            "1:29: options.words[2]: is a map; needs text\n");
}

TEST_F(FieldTest, ValuesOfTheEnvironmentAreNotShown) {
  EXPECT_EQ(ErrorsOf("name: a\npause: ${PORT}\nmode: ${HOST}\nwords: ${HOST}\n"),
            "2:8: options.pause: '${PORT}' (from the environment) has no unit\n"
            "3:7: options.mode: '${HOST}' (from the environment) is not fast or safe\n"
            "4:8: options.words: is text; needs a list: write [ \"${HOST}\" ]\n");
}

TEST_F(FieldTest, NamesAreTheKeysOfAMap) {
  value_ = *ParseYaml("{ a: 1, b: 2 }", TestEnvironment, errors_);
  const auto members = Field(value_, "", errors_).Members();
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[1].name, "b");
  EXPECT_EQ(members[1].mark.column, 9);
  EXPECT_EQ(members[1].field.key(), "b");
  EXPECT_EQ(members[1].field.mark().column, 12);

  value_ = *ParseYaml("[ a ]", TestEnvironment, errors_);
  EXPECT_TRUE(Field(value_, "m", errors_).Members().empty());
  EXPECT_EQ(Written(errors_), "1:1: m: is a list; needs a map of names\n");
}

TEST(ConfigErrorTest, IsWrittenLikeACompilersError) {
  const ConfigError error{{3, 5}, "listeners[0].adress", "unknown key; did you mean 'address'?"};
  EXPECT_EQ(ToString("upgate.yaml", error),
            "upgate.yaml:3:5: listeners[0].adress: unknown key; did you mean 'address'?");
  EXPECT_EQ(ToString("", error), "3:5: listeners[0].adress: unknown key; did you mean 'address'?");
  EXPECT_EQ(ToString("upgate.yaml", {{}, "", "cannot be read"}), "upgate.yaml: cannot be read");
  EXPECT_EQ(ToString("", {{}, "", "cannot be read"}), "cannot be read");
}

}  // namespace
}  // namespace upgate::config
