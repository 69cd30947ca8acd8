#include "gateway/admin/token_file.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace upgate::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(TokenFileTest, HasOneTokenPerLine) {
  const auto tokens = ParseTokens(
      "# operators\n\n0123456789abcdef\r\n  AB-._~+/=0123456789 \n#last\nno-newline-at-end");
  ASSERT_TRUE(tokens) << tokens.error();
  EXPECT_THAT(*tokens, ElementsAre("0123456789abcdef", "AB-._~+/=0123456789", "no-newline-at-end"));
}

TEST(TokenFileTest, SaysWhatIsWrongWithoutTheToken) {
  const auto error = [](std::string_view text) {
    const auto tokens = ParseTokens(text);
    return tokens ? "nothing" : tokens.error();
  };
  EXPECT_EQ(error("#\n0123456789abcde\n"), "the token in line 2 is shorter than 16 characters");
  EXPECT_THAT(error("0123456789 abcdef"), HasSubstr("line 1 has a character"));
  EXPECT_THAT(error("0123456789abcdef # mine"), Not(HasSubstr("0123")));
  EXPECT_THAT(error("\"0123456789abcdef\""), HasSubstr("line 1 has a character"));
  EXPECT_THAT(error("# none\n"), HasSubstr("has no token"));
  EXPECT_THAT(error(""), HasSubstr("has no token"));
}

TEST(TokenFileTest, ErrorsHaveThePlaceInTheConfiguration) {
  const test::TempFolder folder;
  const config::FilePath missing{folder.At("missing"), {3, 4}, "admin.token_file"};
  const auto tokens = ReadTokenFile(missing);
  ASSERT_FALSE(tokens);
  EXPECT_EQ(tokens.error().key, "admin.token_file");
  EXPECT_EQ(tokens.error().mark.line, 3);
  EXPECT_THAT(tokens.error().message, HasSubstr("No such file"));
}

TEST(TokenFileTest, WarnsOfAFileThatEverybodyCanRead) {
  using enum std::filesystem::perms;
  const test::TempFolder folder;
  folder.Write("tokens", "0123456789abcdef\n");
  const config::FilePath file{folder.At("tokens"), {3, 4}, "admin.token_file"};
  EXPECT_TRUE(ReadTokenFile(file));
  std::filesystem::permissions(file.path, owner_read | group_read | others_read);
  ASSERT_TRUE(config::ExposedFile(file));
  EXPECT_THAT(config::ExposedFile(file)->message, HasSubstr("every user"));
  std::filesystem::permissions(file.path, owner_read | group_read);
  EXPECT_FALSE(config::ExposedFile(file));
}

}  // namespace
}  // namespace upgate::admin
