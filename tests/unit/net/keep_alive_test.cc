#include "gateway/net/keep_alive.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <deque>
#include <optional>
#include <utility>

#include <gtest/gtest.h>

#include "gateway/net/socket.h"
#include "tests/support/fake_timers.h"
#include "tests/unit/net/net_fixture.h"

namespace upgate::net {
namespace {

// A TCP socket that is watched and for which nothing happens.
class Watched final : public Poller::Client {
 public:
  Watched(Poller& poller, KeepAlive& keep_alive)
      : poller_(poller),
        fd_(std::move(*OpenSocket(AF_INET))),
        place_(poller.Add(fd_.get(), 0, *this)) {
    keep_alive.Add(place_, fd_.get());
  }
  ~Watched() { poller_.Remove(place_); }
  void OnReady(std::uint32_t) override {}

  int fd() const { return fd_.get(); }
  int Option(int level, int name) const {
    int value = -1;
    socklen_t length = sizeof value;
    ::getsockopt(fd_.get(), level, name, &value, &length);
    return value;
  }
  bool probes() const { return Option(SOL_SOCKET, SO_KEEPALIVE) == 1; }

 private:
  Poller& poller_;
  UniqueFd fd_;
  Poller::Place place_;
};

class KeepAliveTest : public testing::Test {
 protected:
  Loop loop_{PollerUnderTest()};
  test::FakeTimers timers_;
  KeepAlive keep_alive_{loop_.poller(), timers_};
};

TEST_F(KeepAliveTest, EachConnectionGetsItAtItsAge) {
  const Watched first(loop_.poller(), keep_alive_);
  timers_.Advance(KeepAlive::kAge / 2);
  const Watched second(loop_.poller(), keep_alive_);
  timers_.Advance(KeepAlive::kAge / 2 - io::Millis(1));
  EXPECT_FALSE(first.probes());
  timers_.Advance(io::Millis(1));
  EXPECT_TRUE(first.probes());
  EXPECT_EQ(first.Option(IPPROTO_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(first.Option(IPPROTO_TCP, TCP_KEEPINTVL), 15);
  EXPECT_EQ(first.Option(IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_FALSE(second.probes());
  timers_.Advance(KeepAlive::kAge / 2);
  EXPECT_TRUE(second.probes());
  EXPECT_EQ(timers_.armed(), 0U);
}

TEST_F(KeepAliveTest, AClosedConnectionIsNotConfusedWithTheNextOneOfItsDescriptor) {
  std::optional<Watched> gone(std::in_place, loop_.poller(), keep_alive_);
  const int fd = gone->fd();
  timers_.Advance(KeepAlive::kAge / 2);
  gone.reset();
  const Watched next(loop_.poller(), keep_alive_);
  ASSERT_EQ(next.fd(), fd);
  timers_.Advance(KeepAlive::kAge / 2);
  EXPECT_FALSE(next.probes());
}

TEST_F(KeepAliveTest, TooManyMakeTheOldestGetItEarly) {
  std::deque<Watched> all;
  for (std::size_t i = 0; i < KeepAlive::kMostWaiting; ++i)
    all.emplace_back(loop_.poller(), keep_alive_);
  EXPECT_FALSE(all.front().probes());
  all.emplace_back(loop_.poller(), keep_alive_);
  EXPECT_TRUE(all[0].probes());
  EXPECT_FALSE(all[1].probes());
  timers_.Advance(KeepAlive::kAge);
  EXPECT_TRUE(all.back().probes());
}

}  // namespace
}  // namespace upgate::net
