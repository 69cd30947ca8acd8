#include "gateway/net/poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/net/fd.h"
#include "gateway/net/handle.h"
#include "tests/support/cases.h"

namespace upgate::net {
namespace {

// A descriptor that is readable once it is poked.
class Bell final : public Poller::Client {
 public:
  explicit Bell(Poller& poller, std::uint32_t events = Poller::kReadable)
      : poller_(poller),
        fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        place_(poller.Add(fd_.get(), events, *this)) {}
  ~Bell() { poller_.Remove(place_); }

  void Ring() { EXPECT_EQ(::eventfd_write(fd_.get(), 1), 0); }
  void Answer() {
    eventfd_t value = 0;
    EXPECT_EQ(::eventfd_read(fd_.get(), &value), 0);
  }
  void OnReady(std::uint32_t events) override {
    heard.push_back(events);
    if (on_ready) on_ready();
  }
  int fd() const { return fd_.get(); }
  Poller::Place place() const { return place_; }

  std::function<void()> on_ready;
  std::vector<std::uint32_t> heard;

 private:
  Poller& poller_;
  UniqueFd fd_;
  Poller::Place place_;
};

constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

class PollerTest : public TestOfCase<PollerKind> {
 protected:
  PollerTest() {
    EXPECT_EQ(uv_loop_init(&loop_), 0);
    owner_ = MakePoller(GetParam(), loop_);
  }
  ~PollerTest() override {
    owner_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);
    EXPECT_EQ(uv_loop_close(&loop_), 0);
  }

  void Wait() { owner_->Wait(0); }
  bool Poll(std::uint64_t deadline_ns = kForever) {
    Wait();
    return owner_->Dispatch(deadline_ns);
  }

  uv_loop_t loop_{};
  std::unique_ptr<Poller> owner_;
};

INSTANTIATE_NAMED_CASES(
    Kinds, PollerTest,
    [](const auto& kind) { return kind.param == PollerKind::kEpoll ? "epoll" : "uv"; },
    PollerKind::kEpoll, PollerKind::kUv);

TEST_EACH(PollerTest, TellsThoseWhoseDescriptorsAreReady) {
  Poller& poller = *owner_;
  Bell one(poller);
  Bell two(poller);
  Poll();
  EXPECT_TRUE(one.heard.empty());
  two.Ring();
  Poll();
  EXPECT_TRUE(one.heard.empty());
  EXPECT_EQ(two.heard, std::vector<std::uint32_t>{Poller::kReadable});
  Poll();
  EXPECT_EQ(two.heard.size(), 2U) << "reported as long as it is readable";
  EXPECT_EQ(poller.size(), 2U);
}

TEST_EACH(PollerTest, AChangeCountsFromTheNextWaitOn) {
  Poller& poller = *owner_;
  Bell bell(poller);
  bell.Ring();
  poller.Change(bell.place(), bell.fd(), 0);
  Poll();
  EXPECT_TRUE(bell.heard.empty());
  poller.Change(bell.place(), bell.fd(), Poller::kReadable);
  Poll();
  EXPECT_EQ(bell.heard.size(), 1U);
}

TEST_EACH(PollerTest, AnotherClientTakesOver) {
  Poller& poller = *owner_;
  Bell first(poller);
  Bell second(poller);
  first.Ring();
  Wait();
  poller.HandOver(first.place(), second);
  poller.Dispatch(kForever);
  EXPECT_TRUE(first.heard.empty());
  EXPECT_EQ(second.heard.size(), 1U);
}

// The first one notified removes the other and adds a third in its place, which must not get the
// event of the other.
TEST_EACH(PollerTest, AnEventForARemovedClientReachesNobody) {
  Poller& poller = *owner_;
  auto one = std::make_unique<Bell>(poller, Poller::kReadable | Poller::kEdge);
  auto two = std::make_unique<Bell>(poller, Poller::kReadable | Poller::kEdge);
  std::unique_ptr<Bell> third;
  int heard = 0;
  const auto replace = [&](std::unique_ptr<Bell>& other) {
    ++heard;
    const Poller::Place place = other->place();
    other.reset();
    third = std::make_unique<Bell>(poller);
    EXPECT_EQ(third->place(), place);
  };
  one->on_ready = [&] { replace(two); };
  two->on_ready = [&] { replace(one); };
  one->Ring();
  two->Ring();
  Poll();
  EXPECT_EQ(heard, 1);
  ASSERT_NE(third, nullptr);
  EXPECT_TRUE(third->heard.empty());
  third->Ring();
  Poll();
  EXPECT_EQ(third->heard.size(), 1U);
}

TEST_EACH(PollerTest, AnEdgeIsReportedOnceUntilTheClientRearms) {
  Poller& poller = *owner_;
  Bell bell(poller, Poller::kReadable | Poller::kEdge);
  bell.Ring();
  Poll();
  EXPECT_EQ(bell.heard.size(), 1U);
  Poll();
  EXPECT_EQ(bell.heard.size(), 1U) << "still readable, but without a new edge";
  bell.Answer();
  poller.Rearm(bell.place(), Poller::kReadable);
  Poll();
  EXPECT_EQ(bell.heard.size(), 1U);
  bell.Ring();
  Poll();
  EXPECT_EQ(bell.heard.size(), 2U);
}

TEST_EACH(PollerTest, EventsAfterTheDeadlineAreReportedNextTime) {
  std::deque<Bell> bells;
  for (int i = 0; i < 10; ++i) {
    bells.emplace_back(*owner_, Poller::kReadable | Poller::kEdge).Ring();
  }
  const auto heard = [&] {
    return std::ranges::count_if(bells, [](const Bell& bell) { return !bell.heard.empty(); });
  };
  EXPECT_TRUE(Poll(0));
  const auto first = heard();
  EXPECT_GT(first, 0);
  EXPECT_LT(first, 10);
  // One that is removed meanwhile is not notified.
  bells.pop_back();
  for (int i = 0; i < 10 && Poll(0); ++i) {
  }
  EXPECT_EQ(heard(), 9);
  EXPECT_FALSE(Poll());
  for (const Bell& bell : bells) EXPECT_EQ(bell.heard.size(), 1U);
}

// A handle of libuv's that is not a client.
class Async final {
 public:
  explicit Async(uv_loop_t& loop)
      : handle_(MakeHandle<uv_async_t, uv_async_cb>(
            &loop, uv_async_init, [](uv_async_t* h) { ++*static_cast<int*>(h->data); })) {
    handle_->data = &calls;
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  void Send() { uv_async_send(handle_.get()); }

  int calls = 0;

 private:
  UvHandle<uv_async_t> handle_;
};

TEST_EACH(PollerTest, LibuvsHandlesAreServedWhileEventsAreLeft) {
  Async async(loop_);
  std::deque<Bell> bells;
  for (int i = 0; i < 10; ++i)
    bells.emplace_back(*owner_, Poller::kReadable | Poller::kEdge).Ring();
  EXPECT_TRUE(Poll(0));
  async.Send();
  owner_->Wait(-1);
  EXPECT_EQ(async.calls, 1);
  EXPECT_FALSE(owner_->Dispatch(kForever));
  for (const Bell& bell : bells) EXPECT_EQ(bell.heard.size(), 1U);
}

TEST_EACH(PollerTest, AWaitEndsWhenAHandleOfLibuvIsReadyOrTheTimeIsOver) {
  Async async(loop_);
  async.Send();
  owner_->Wait(-1);
  EXPECT_EQ(async.calls, 1);
  owner_->Wait(1);
  EXPECT_EQ(async.calls, 1);
  EXPECT_FALSE(owner_->Dispatch(kForever));
}

TEST_EACH(PollerTest, DescriptorsThatCannotBeWatchedTakeNoSlot) {
  Poller& poller = *owner_;
  Bell bell(poller);
  EXPECT_EQ(poller.Add(-1, Poller::kReadable, bell), Poller::kNowhere);
  EXPECT_EQ(poller.size(), 1U);
}

}  // namespace
}  // namespace upgate::net
