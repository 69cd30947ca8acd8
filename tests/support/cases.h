#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace upgate {

// Tests that are run once for each of several cases, as those of gtest's TEST_P. Its templates take
// the compiler half a second for each fixture, these a tenth of it.
//
//   class Sum : public TestOfCase<Terms> {};
//   TEST_EACH(Sum, IsRight) { EXPECT_EQ(GetParam().a + GetParam().b, GetParam().sum); }
//   INSTANTIATE_CASES(Small, Sum, Terms{1, 1, 2}, Terms{2, 3, 5});
//
// The tests are named Small/Sum.IsRight/0 and so on; see NameByValue. A fixture can be instantiated
// several times. It has no SetUpTestSuite.

// The case of the test that is being made or run; there is one at a time.
class CurrentCase {
 public:
  // Outlives the test.
  static void Set(const void* current) { current_ = current; }

 protected:
  static const void* current() { return current_; }

 private:
  static inline const void* current_ = nullptr;
};

// For fixtures that have another base already.
template <class T>
class WithCase : private CurrentCase {
 public:
  using ParamType = T;
  static const T& GetParam() { return *static_cast<const T*>(current()); }
};

template <class T>
class TestOfCase : public testing::Test, public WithCase<T> {};

// The tests and the cases of one fixture.
class CaseSuite {
 public:
  struct Test {
    const char* name;
    const char* file;
    int line;
    testing::Test* (*make)();
  };
  struct NamedCase {
    std::string name;
    const void* value;
  };
  struct Cases {
    const char* prefix;
    std::vector<NamedCase> cases;
  };

  explicit CaseSuite(const char* name);
  CaseSuite(const CaseSuite&) = delete;
  CaseSuite& operator=(const CaseSuite&) = delete;
  ~CaseSuite();

  // Each test is registered with each case as soon as both are known. They return true.
  bool AddTest(const Test& test);
  bool AddCases(Cases cases);

  // Suites that have no tests or no cases, of which nothing would be run.
  static std::vector<std::string> Incomplete();

 private:
  void Register(const Test& test, const Cases& cases) const;

  const char* name_;
  std::vector<Test> tests_;
  std::vector<Cases> cases_;
};

template <class Fixture>
CaseSuite& CaseSuiteOf(const char* name) {
  static CaseSuite suite(name);
  return suite;
}

// Names a case by its value if that is a number, by its member `name` if there is one, else by its
// place.
struct NameByValue {
  template <class T>
  std::string operator()(const testing::TestParamInfo<T>& info) const {
    if constexpr (std::is_integral_v<T>) {
      return std::to_string(info.param);
    } else if constexpr (requires { std::string(info.param.name); }) {
      return std::string(info.param.name);
    } else {
      return std::to_string(info.index);
    }
  }
};

template <class Fixture, class NameOf>
bool AddCases(const char* suite, const char* prefix,
              const std::vector<typename Fixture::ParamType>& values, const NameOf& name_of) {
  CaseSuite::Cases cases{prefix, {}};
  for (std::size_t i = 0; i < values.size(); ++i)
    cases.cases.push_back({name_of(testing::TestParamInfo(values[i], i)), &values[i]});
  return CaseSuiteOf<Fixture>(suite).AddCases(std::move(cases));
}

}  // namespace upgate

#define TEST_EACH(fixture, name)                                               \
  class fixture##_##name##_Test : public fixture {                             \
    void TestBody() override;                                                  \
  };                                                                           \
  [[maybe_unused]] const bool fixture##_##name##_is_added =                    \
      ::upgate::CaseSuiteOf<fixture>(#fixture).AddTest(                        \
          {#name, __FILE__, __LINE__,                                          \
           []() -> ::testing::Test* { return new fixture##_##name##_Test; }}); \
  void fixture##_##name##_Test::TestBody()

#define INSTANTIATE_CASES(prefix, fixture, ...) \
  INSTANTIATE_NAMED_CASES(prefix, fixture, ::upgate::NameByValue{}, __VA_ARGS__)

// With names by a function of testing::TestParamInfo.
#define INSTANTIATE_NAMED_CASES(prefix, fixture, name_of, ...) \
  INSTANTIATE_CASES_IN(prefix, fixture, name_of, std::vector<fixture::ParamType>{__VA_ARGS__})

// With the cases of a vector.
#define INSTANTIATE_CASES_IN(prefix, fixture, name_of, ...)                 \
  [[maybe_unused]] const bool prefix##_##fixture##_is_added = [] {          \
    static const std::vector<fixture::ParamType> values = __VA_ARGS__;      \
    return ::upgate::AddCases<fixture>(#fixture, #prefix, values, name_of); \
  }()
