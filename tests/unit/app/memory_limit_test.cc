#include "gateway/app/memory_limit.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace upgate::app {
namespace {

constexpr std::uint64_t kMachine = 8'000'000'000;

class AvailableMemoryTest : public testing::Test {
 protected:
  void Put(const std::string& file, const std::string& text) { folder_.Write(file, text + "\n"); }
  std::uint64_t Of(const std::string& groups) {
    return AvailableMemory(groups, folder_.path(), kMachine);
  }

  test::TempFolder folder_;
};

TEST_F(AvailableMemoryTest, IsThatOfTheMachineWithoutAnyLimit) {
  EXPECT_EQ(Of(""), kMachine);
  EXPECT_EQ(Of("0::/\n"), kMachine);
  Put("a/memory.max", "max");
  EXPECT_EQ(Of("0::/a\n"), kMachine);
  EXPECT_EQ(Of("nonsense\n0:memory\n:::\n4:memory:relative\n"), kMachine);
}

TEST_F(AvailableMemoryTest, IsTheSmallestLimitOnTheWayUp) {
  Put("memory.max", "4000000000");
  Put("a/memory.max", "500000000");
  Put("a/b/memory.max", "1000000000");
  Put("a/b/c/memory.max", "max");
  EXPECT_EQ(Of("0::/a/b/c\n"), 500'000'000u);
  EXPECT_EQ(Of("0::/other\n"), 4'000'000'000u);
}

TEST_F(AvailableMemoryTest, KnowsVersion1) {
  Put("memory/memory.limit_in_bytes", "9223372036854771712");
  Put("memory/docker/x/memory.limit_in_bytes", "300000000");
  EXPECT_EQ(Of("12:cpu,cpuacct:/docker/x\n4:hugetlb,memory:/docker/x\n"), 300'000'000u);
  EXPECT_EQ(Of("4:memory:/\n"), kMachine);
}

// The host's path of a container's group does not exist inside it; the root is used instead.
TEST_F(AvailableMemoryTest, TakesTheRootWhereTheGroupIsNotMounted) {
  Put("memory.max", "256000000");
  EXPECT_EQ(Of("0::/system.slice/docker-1.scope\n"), 256'000'000u);
}

TEST(MemoryLimit, IsASizeOrAPart) {
  EXPECT_EQ(BytesOf({.bytes = 12345}, kMachine), 12345u);
  EXPECT_EQ(BytesOf({.percent = 25}, kMachine), kMachine / 4);
  EXPECT_EQ(BytesOf({.percent = 1}, 100'000'000), config::kLeastMemoryLimit);
}

}  // namespace
}  // namespace upgate::app
