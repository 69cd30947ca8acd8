#include <gtest/gtest.h>

#include "tests/conformance/stage.h"

namespace upgate::conformance {
namespace {

class StageEnvironment final : public testing::Environment {
 public:
  void TearDown() override { Stage::Clear(); }
};

}  // namespace
}  // namespace upgate::conformance

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new upgate::conformance::StageEnvironment);
  return RUN_ALL_TESTS();
}
