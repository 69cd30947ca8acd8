// The test support reports errors as test failures. A fuzzer is not a test, so each failure ends
// the program.

#include <cstdlib>

#include <gtest/gtest.h>

namespace {

class AbortOnFailure final : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed()) std::abort();
  }
};

const bool listening = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new AbortOnFailure);
  return true;
}();

}  // namespace
