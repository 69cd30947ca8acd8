#include "gateway/net/send_queue.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/net/net_fixture.h"

namespace upgate::net {
namespace {

std::string Peeked(const SendQueue& queue) {
  std::array<iovec, 64> slices;
  const std::size_t count = queue.Peek(slices);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text.append(static_cast<const char*>(slices[i].iov_base), slices[i].iov_len);
  }
  return text;
}

TEST(SendQueueMemory, ChargesItsBlocksUntilTheyAreSent) {
  io::MemoryLedger ledger;
  {
    SendQueue queue(ledger);
    const std::string large(100'000, 'x');
    queue.Append(AsBytes(std::string_view("small")));
    const std::size_t one_block = queue.held_bytes();
    EXPECT_GE(one_block, 5u);
    EXPECT_EQ(ledger.held(), one_block);
    queue.Append(AsBytes(large));
    EXPECT_GE(ledger.held(), large.size());
    queue.Consume(one_block);
    EXPECT_EQ(ledger.held(), queue.held_bytes());
    queue.Consume(queue.size() - 1);
    EXPECT_GT(ledger.held(), 0u);
    queue.Consume(1);
    EXPECT_EQ(ledger.held(), 0u);
    queue.Append(AsBytes(large));
  }
  EXPECT_EQ(ledger.held(), 0u);
}

class SendQueueTest : public TestOfCase<std::size_t> {};

TEST_EACH(SendQueueTest, KeepsBytesInOrderThroughAppendsAndConsumes) {
  const std::string all = Pattern(100'000);
  io::MemoryLedger ledger;
  SendQueue queue(ledger);
  std::string out;
  for (std::size_t at = 0; at < all.size(); at += GetParam()) {
    queue.Append(AsBytes(all).subspan(at, std::min(GetParam(), all.size() - at)));
    if (queue.size() > 40'000) {
      out += Peeked(queue).substr(0, 33'333);
      queue.Consume(33'333);
    }
  }
  EXPECT_EQ(queue.size(), all.size() - out.size());
  out += Peeked(queue);
  queue.Consume(queue.size());
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_EQ(Peeked(queue), "");
  EXPECT_TRUE(out == all);
}

INSTANTIATE_CASES(BytesPerAppend, SendQueueTest, 7, 1000, 16384, 16385, 100'000);

TEST(SendQueueTest, PeekFillsNoMoreSlicesThanItIsGiven) {
  io::MemoryLedger ledger;
  SendQueue queue(ledger);
  const std::string block = Pattern(16384);
  for (int i = 0; i < 5; ++i) queue.Append(AsBytes(block));
  std::array<iovec, 2> slices;
  EXPECT_EQ(queue.Peek(slices), 2U);
}

}  // namespace
}  // namespace upgate::net
