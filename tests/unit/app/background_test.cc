#include "gateway/app/background.h"

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/net/loop.h"

namespace upgate::app {
namespace {

TEST(BackgroundThreadTest, WorksOnAnotherThreadAndReportsOnTheLoop) {
  net::Loop loop;
  BackgroundThread background(loop);
  std::thread::id worked;
  std::thread::id reported;
  ASSERT_TRUE(background.Run([&] { worked = std::this_thread::get_id(); },
                             [&] {
                               reported = std::this_thread::get_id();
                               loop.Stop();
                             }));
  loop.Run();
  EXPECT_NE(worked, std::this_thread::get_id());
  EXPECT_EQ(reported, std::this_thread::get_id());
}

TEST(BackgroundThreadTest, DoesOneAfterTheOther) {
  net::Loop loop;
  BackgroundThread background(loop);
  std::vector<int> order;  // written by one thread at a time, read afterwards
  int reports = 0;
  for (int i = 0; i < 20; ++i) {
    background.Run([&order, i] { order.push_back(i); },
                   [&] {
                     if (++reports == 20) loop.Stop();
                   });
  }
  loop.Run();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(order.at(static_cast<std::size_t>(i)), i);
}

TEST(BackgroundThreadTest, MayRunAgainFromItsReport) {
  net::Loop loop;
  BackgroundThread background(loop);
  int left = 50;
  std::function<void()> again = [&] {
    if (left-- == 0) return loop.Stop();
    background.Run([] {}, [&] { again(); });
  };
  again();
  loop.Run();
  EXPECT_EQ(left, -1);
}

TEST(BackgroundThreadTest, ReportsNothingOnceItIsGone) {
  net::Loop loop;
  auto background = std::make_unique<BackgroundThread>(loop);
  std::promise<void> begun;
  std::promise<void> go;
  bool worked = false;
  int reports = 0;
  background->Run(
      [&] {
        begun.set_value();
        go.get_future().wait();
        worked = true;
      },
      [&] { ++reports; });
  begun.get_future().wait();
  std::thread helper([&] { go.set_value(); });
  background.reset();
  EXPECT_TRUE(worked) << "it waits for what has begun";
  helper.join();
  loop.Post([&] { loop.Stop(); });
  loop.Run();
  EXPECT_EQ(reports, 0);
}

}  // namespace
}  // namespace upgate::app
