#include "gateway/net/poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace upgate::net {
namespace {

// A descriptor that is readable as soon as it is poked.
class Bell final : public Poller::Client {
 public:
  explicit Bell(Poller& poller, std::uint32_t events = EPOLLIN)
      : poller_(poller),
        fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        place_(poller.Add(fd_.get(), events, *this)) {}
  ~Bell() { poller_.Remove(place_); }

  void Ring() { EXPECT_EQ(::eventfd_write(fd_.get(), 1), 0); }
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

void Poll(Poller& poller) {
  poller.Wait(0);
  poller.Dispatch([] {});
}

TEST(PollerTest, TellsThoseWhoseDescriptorsAreReady) {
  Poller poller;
  Bell one(poller);
  Bell two(poller);
  Poll(poller);
  EXPECT_TRUE(one.heard.empty());
  two.Ring();
  Poll(poller);
  EXPECT_TRUE(one.heard.empty());
  EXPECT_EQ(two.heard, std::vector<std::uint32_t>{EPOLLIN});
  Poll(poller);
  EXPECT_EQ(two.heard.size(), 2U) << "as long as it is readable";
  EXPECT_EQ(poller.size(), 2U);
}

TEST(PollerTest, AChangeCountsFromTheNextWaitOn) {
  Poller poller;
  Bell bell(poller);
  bell.Ring();
  poller.Change(bell.place(), bell.fd(), 0);
  Poll(poller);
  EXPECT_TRUE(bell.heard.empty());
  poller.Change(bell.place(), bell.fd(), EPOLLIN);
  Poll(poller);
  EXPECT_EQ(bell.heard.size(), 1U);
}

TEST(PollerTest, AnotherClientTakesOver) {
  Poller poller;
  Bell first(poller);
  Bell second(poller);
  first.Ring();
  poller.Wait(0);
  poller.HandOver(first.place(), second);
  poller.Dispatch([] {});
  EXPECT_TRUE(first.heard.empty());
  EXPECT_EQ(second.heard.size(), 1U);
}

// Whoever hears first takes the other away, and puts a third in its place: it must not hear what
// was meant for the other.
TEST(PollerTest, AnEventForSomebodyWhoHasGoneReachesNobody) {
  Poller poller;
  auto one = std::make_unique<Bell>(poller, EPOLLIN | EPOLLET);
  auto two = std::make_unique<Bell>(poller, EPOLLIN | EPOLLET);
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
  Poll(poller);
  EXPECT_EQ(heard, 1);
  ASSERT_NE(third, nullptr);
  EXPECT_TRUE(third->heard.empty());
  third->Ring();
  Poll(poller);
  EXPECT_EQ(third->heard.size(), 1U);
}

TEST(PollerTest, WhatCannotBeWatchedHasNoPlace) {
  Poller poller;
  Bell bell(poller);
  EXPECT_EQ(poller.Add(-1, EPOLLIN, bell), Poller::kNowhere);
  EXPECT_EQ(poller.size(), 1U);
}

}  // namespace
}  // namespace upgate::net
