// The test support tells what is wrong as failures of a test. There is no test around a fuzzer, so
// each ends the program.

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
