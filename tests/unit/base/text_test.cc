#include "gateway/base/text.h"

#include <array>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate {
namespace {

using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Split(std::string_view list) {
  std::vector<std::string> items;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list))
    items.emplace_back(item);
  return items;
}

TEST(TextTest, LowersOnlyAsciiLetters) {
  EXPECT_EQ(ToLower("AZaz09@[`{"), "azaz09@[`{");
  EXPECT_EQ(ToLower("\xc3\x84"), "\xc3\x84");
}

TEST(TextTest, ComparesWithoutCase) {
  EXPECT_TRUE(EqualsIgnoreCase("Upgrade", "uPGRADE"));
  EXPECT_TRUE(EqualsIgnoreCase("", ""));
  EXPECT_FALSE(EqualsIgnoreCase("upgrade", "upgrades"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
}

TEST(TextTest, TrimsSpacesAndTabsAlone) {
  EXPECT_EQ(Trim(" \ta b\t "), "a b");
  EXPECT_EQ(Trim(" \t "), "");
  EXPECT_EQ(Trim("\na\r"), "\na\r");
}

TEST(TextTest, ListItemsAreTrimmedAndEmptyOnesSkipped) {
  EXPECT_THAT(Split("a, b ,\tc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Split(", ,a,,b, "), ElementsAre("a", "b"));
  EXPECT_THAT(Split(" , ,"), IsEmpty());
  EXPECT_THAT(Split(""), IsEmpty());
}

TEST(TextTest, ListTokensCompareWholeAndWithoutCase) {
  EXPECT_TRUE(ListHasToken("keep-alive, Upgrade", "upgrade"));
  EXPECT_FALSE(ListHasToken("keep-alive, upgrades", "upgrade"));
  EXPECT_FALSE(ListHasToken("keep alive", "keep"));
  EXPECT_FALSE(ListHasToken(",,", ""));
}

TEST(TextTest, EditDistanceCountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abc", ""), 3u);
  EXPECT_EQ(EditDistance("adress", "address"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(TextTest, NearestIsTheLikeliestSlipOrNothing) {
  constexpr std::array<std::string_view, 4> kKeys{"address", "tls", "backlog", "trusted_proxies"};
  EXPECT_EQ(NearestOf("adress", kKeys), "address");
  EXPECT_EQ(NearestOf("warning", std::vector<std::string>{"debug", "warn"}), "warn");
  EXPECT_EQ(NearestOf("fsat", std::vector<std::string>{"fast"}), "fast");
  EXPECT_EQ(NearestOf("auth", std::vector<std::string>{"path"}), "");
  EXPECT_EQ(NearestOf("cert", std::vector<std::string>{"cors"}), "");
  EXPECT_EQ(NearestOf("trustedproxies", kKeys), "trusted_proxies");
  EXPECT_EQ(NearestOf("certificate", kKeys), "");
  EXPECT_EQ(NearestOf("idle_timeout", std::vector<std::string>{"close_timeout", "idle"}), "idle");
  EXPECT_EQ(NearestOf("shutdown", std::vector<std::string>{"shutdowns", "shutdown_timeout"}),
            "shutdown_timeout");
  EXPECT_EQ(NearestOf("x", kKeys), "");
  EXPECT_EQ(NearestOf("address", std::vector<std::string>{}), "");
}

TEST(TextTest, NearestDoesNotCompareHugeWords) {
  const std::string word(4 << 20, 'a');
  const std::vector<std::string> keys(1000, std::string(1000, 'a'));
  EXPECT_EQ(NearestOf(word, keys), "");
}

TEST(TextTest, PrintableEscapesLineBreaks) {
  EXPECT_EQ(Printable("a b~"), "a b~");
  EXPECT_EQ(Printable("a\nb\x7f\"\\\xff\0"sv), "a\\x0ab\\x7f\\x22\\x5c\\xff\\x00");
}

TEST(TextTest, WithoutControlsKeepsEverythingElse) {
  EXPECT_EQ(WithoutControls("say \"caf\xc3\xa9\", \\"), "say \"caf\xc3\xa9\", \\");
  EXPECT_EQ(WithoutControls("a\tb\n\x1b[2J\x7f\0"sv), "a\\x09b\\x0a\\x1b[2J\\x7f\\x00");
}

TEST(TextTest, PrintableIsCutAtItsLimitAndNeverInsideAnEscape) {
  EXPECT_EQ(Printable("abcd", 4), "abcd");
  EXPECT_EQ(Printable("abcde", 4), "abcd...");
  EXPECT_EQ(Printable("a\n", 5), "a\\x0a");
  EXPECT_EQ(Printable("ab\n", 5), "ab...");
}

}  // namespace
}  // namespace upgate
