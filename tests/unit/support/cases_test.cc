#include "tests/support/cases.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate {
namespace {

using testing::ElementsAre;

struct Named {
  const char* name;
  std::string value;
};

class CasesOfStruct : public TestOfCase<Named> {
 protected:
  const std::string made_of = GetParam().value;
};

TEST_EACH(CasesOfStruct, BeforeTheCases) {
  EXPECT_EQ(made_of, GetParam().value);
  EXPECT_EQ(GetParam().value, GetParam().name + std::string("!"));
}

INSTANTIATE_CASES(One, CasesOfStruct, Named{"a", "a!"});
INSTANTIATE_CASES(Two, CasesOfStruct, Named{"b", "b!"}, Named{"c", "c!"});

TEST_EACH(CasesOfStruct, BehindTheCases) {
  EXPECT_EQ(made_of, std::string(GetParam().name) + "!");
}

class CasesOfNumber : public TestOfCase<std::size_t> {};

TEST_EACH(CasesOfNumber, IsOneOfThem) {
  EXPECT_TRUE(GetParam() == 7 || GetParam() == 65'536);
}

INSTANTIATE_CASES(Sizes, CasesOfNumber, 7, 65'536);

class CasesOfText : public TestOfCase<std::string_view> {};

TEST_EACH(CasesOfText, Differ) {
  EXPECT_EQ(GetParam().size(), 1U);
}

INSTANTIATE_CASES(ByPlace, CasesOfText, "x", "/");
INSTANTIATE_NAMED_CASES(
    ByFunction, CasesOfText, [](const auto& info) { return std::string(2, info.param[0]); }, "x");

std::vector<std::string> TestsOf(std::string_view suite) {
  std::vector<std::string> names;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& one = *all.GetTestSuite(i);
    if (one.name() != suite) continue;
    for (int k = 0; k < one.total_test_count(); ++k) names.emplace_back(one.GetTestInfo(k)->name());
  }
  return names;
}

TEST(Cases, EachTestIsRegisteredWithEachOfThem) {
  EXPECT_THAT(TestsOf("One/CasesOfStruct"), ElementsAre("BeforeTheCases/a", "BehindTheCases/a"));
  EXPECT_THAT(TestsOf("Two/CasesOfStruct"), ElementsAre("BeforeTheCases/b", "BeforeTheCases/c",
                                                        "BehindTheCases/b", "BehindTheCases/c"));
}

TEST(Cases, AreNamedByValueOrPlaceOrFunction) {
  EXPECT_THAT(TestsOf("Sizes/CasesOfNumber"), ElementsAre("IsOneOfThem/7", "IsOneOfThem/65536"));
  EXPECT_THAT(TestsOf("ByPlace/CasesOfText"), ElementsAre("Differ/0", "Differ/1"));
  EXPECT_THAT(TestsOf("ByFunction/CasesOfText"), ElementsAre("Differ/xx"));
}

TEST(Cases, ASuiteOfWhichNothingWouldBeRunIsFound) {
  EXPECT_THAT(CaseSuite::Incomplete(), ElementsAre());
  CaseSuite suite("Lonely");
  EXPECT_THAT(CaseSuite::Incomplete(), ElementsAre("Lonely"));
  suite.AddCases({"None", {}});
  suite.AddTest({"Test", __FILE__, __LINE__, nullptr});
  EXPECT_THAT(CaseSuite::Incomplete(), ElementsAre("Lonely"));
}

}  // namespace
}  // namespace upgate
