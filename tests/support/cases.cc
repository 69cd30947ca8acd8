#include "tests/support/cases.h"

namespace upgate {
namespace {

// In the order in which they are first used.
std::vector<const CaseSuite*>& AllSuites() {
  static std::vector<const CaseSuite*> suites;
  return suites;
}

TEST(CaseSuites, HaveTestsAndCases) {
  EXPECT_EQ(CaseSuite::Incomplete(), std::vector<std::string>{});
}

}  // namespace

CaseSuite::CaseSuite(const char* name) : name_(name) {
  AllSuites().push_back(this);
}

CaseSuite::~CaseSuite() {
  std::erase(AllSuites(), this);
}

bool CaseSuite::AddTest(const Test& test) {
  for (const Cases& cases : cases_) Register(test, cases);
  tests_.push_back(test);
  return true;
}

bool CaseSuite::AddCases(Cases cases) {
  for (const Test& test : tests_) Register(test, cases);
  cases_.push_back(std::move(cases));
  return true;
}

void CaseSuite::Register(const Test& test, const Cases& cases) const {
  const std::string suite = std::string(cases.prefix) + "/" + name_;
  for (const NamedCase& one : cases.cases) {
    const std::string name = std::string(test.name) + "/" + one.name;
    testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, test.file, test.line,
                          [make = test.make, value = one.value] {
                            CurrentCase::Set(value);
                            return make();
                          });
  }
}

std::vector<std::string> CaseSuite::Incomplete() {
  std::vector<std::string> names;
  for (const CaseSuite* suite : AllSuites()) {
    bool has_cases = false;
    for (const Cases& cases : suite->cases_) has_cases = has_cases || !cases.cases.empty();
    if (suite->tests_.empty() || !has_cases) names.emplace_back(suite->name_);
  }
  return names;
}

}  // namespace upgate
