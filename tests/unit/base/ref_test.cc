#include "gateway/base/ref.h"

#include <gtest/gtest.h>

namespace upgate {
namespace {

struct Thing : RefCounted {
  explicit Thing(int& gone) : gone_(gone) {}
  ~Thing() override { ++gone_; }
  int& gone_;
};

TEST(RefTest, TheLastOneDestroysWhatIsHeld) {
  int gone = 0;
  Ref<Thing> first = MakeRef<Thing>(gone);
  Ref<Thing> second = first;
  Ref<RefCounted> third = second;
  EXPECT_EQ(first, second);
  first = nullptr;
  second = {};
  EXPECT_FALSE(first);
  EXPECT_EQ(gone, 0);
  Ref<RefCounted> moved = std::move(third);
  third = nullptr;
  EXPECT_EQ(gone, 0);
  moved = moved;
  EXPECT_EQ(gone, 0);
  moved = nullptr;
  EXPECT_EQ(gone, 1);
}

TEST(RefTest, AnotherHoldIsTakenFromThePlainPointer) {
  int gone = 0;
  Ref<Thing> first = MakeRef<Thing>(gone);
  {
    const Ref<Thing> second(first.get());
    first = nullptr;
    EXPECT_EQ(gone, 0);
  }
  EXPECT_EQ(gone, 1);
}

TEST(RefTest, AnEmptyOneHoldsNothing) {
  Ref<Thing> empty;
  const Ref<Thing> copy = empty;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.get(), nullptr);
  Ref<Thing> from_null(static_cast<Thing*>(nullptr));
  EXPECT_FALSE(from_null);
}

}  // namespace
}  // namespace upgate
