#include "gateway/session/compression_pool.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_loop.h"

namespace upgate::session {
namespace {

using namespace std::chrono_literals;

class CompressionPoolTest : public testing::Test {
 protected:
  test::FakeLoop loop_;
  stats::CompressionStats stats_;
  CompressionPool pool_{loop_.timers(), loop_.memory(), 100'000, stats_};
};

TEST_F(CompressionPoolTest, SetsNoMoreMemoryAsideThanThereIs) {
  EXPECT_TRUE(pool_.Reserve(60'000));
  EXPECT_FALSE(pool_.Reserve(40'001));
  EXPECT_TRUE(pool_.Reserve(40'000));
  EXPECT_EQ(stats_.reserved_bytes.Get(), 100'000u);
  pool_.Release(60'000);
  EXPECT_TRUE(pool_.Reserve(1));
  EXPECT_EQ(stats_.reserved_bytes.Get(), 40'001u);
}

TEST_F(CompressionPoolTest, LendsMatchingContextsAndResetsThem) {
  auto deflater = pool_.TakeDeflater(12, 3);
  const ws::Deflater* first = deflater.get();
  std::string before;
  deflater->Deflate(AsBytes("the same twice"), before);
  pool_.GiveBack(std::move(deflater));
  EXPECT_NE(pool_.TakeDeflater(13, 3).get(), first);
  EXPECT_NE(pool_.TakeDeflater(12, 4).get(), first);
  deflater = pool_.TakeDeflater(12, 3);
  EXPECT_EQ(deflater.get(), first);
  std::string after;
  deflater->Deflate(AsBytes("the same twice"), after);
  EXPECT_EQ(after, before);
  EXPECT_EQ(deflater->window_bits(), 12);
  EXPECT_EQ(pool_.TakeInflater(9)->window_bits(), 9);
}

TEST_F(CompressionPoolTest, KeepsAFewAndNotForLong) {
  std::vector<std::unique_ptr<ws::Inflater>> lent;
  for (std::size_t i = 0; i < 3 * CompressionPool::kMostReady; ++i)
    lent.push_back(pool_.TakeInflater(10));
  EXPECT_EQ(stats_.inflaters.Get(), lent.size());
  EXPECT_EQ(stats_.memory_bytes.Get(), lent.size() * ws::Inflater::Memory(10));
  for (auto& inflater : lent) pool_.GiveBack(std::move(inflater));
  EXPECT_EQ(stats_.inflaters.Get(), CompressionPool::kMostReady);
  // An occasionally used one is kept; the others are freed.
  for (int i = 0; i < 4; ++i) {
    loop_.Advance(CompressionPool::kReadyFor / 2);
    pool_.GiveBack(pool_.TakeInflater(10));
  }
  EXPECT_EQ(stats_.inflaters.Get(), 1u);
  loop_.Advance(2 * CompressionPool::kReadyFor);
  EXPECT_EQ(stats_.inflaters.Get(), 0u);
  EXPECT_EQ(stats_.memory_bytes.Get(), 0u);
}

}  // namespace
}  // namespace upgate::session
