#include "gateway/app/file_watch.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/fake_timers.h"
#include "tests/support/temp_folder.h"

namespace upgate::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr io::Millis kInterval{30'000};

class FileWatchTest : public testing::Test {
 protected:
  std::unique_ptr<FileWatch> Watch(std::vector<std::string> files, FileStates seen = {}) {
    return std::make_unique<FileWatch>(
        timers_, kInterval, std::move(files), [this] { ++changes_; }, std::move(seen));
  }
  // Like Watch, with the present state of the file as `seen`.
  std::unique_ptr<FileWatch> WatchKnown(const std::string& name) {
    return Watch({folder_.At(name)}, {LookAt(folder_.At(name))});
  }
  // The number of changes reported during two checks.
  int Changes() {
    timers_.Advance(kInterval + FileWatch::kSettle);
    return std::exchange(changes_, 0);
  }

  test::FakeTimers timers_;
  test::TempFolder folder_;
  int changes_ = 0;
};

TEST_F(FileWatchTest, ReportsNothingWhileNothingChanges) {
  folder_.Write("a", "1");
  const auto watch = WatchKnown("a");
  EXPECT_EQ(Changes(), 0);
  EXPECT_EQ(Changes(), 0);
}

TEST_F(FileWatchTest, ReportsAChangeOnce) {
  folder_.Write("a", "1");
  const auto watch = WatchKnown("a");
  folder_.Write("a", "longer");
  EXPECT_EQ(Changes(), 1) << "size";
  EXPECT_EQ(Changes(), 0);
  folder_.SetModified("a", 1'700'000'000);
  EXPECT_EQ(Changes(), 1) << "time";
  folder_.Write("b", "longer", 1'700'000'000);
  fs::rename(folder_.At("b"), folder_.At("a"));
  EXPECT_EQ(Changes(), 1) << "another file of the same size and time";
  fs::remove(folder_.At("a"));
  EXPECT_EQ(Changes(), 1) << "removed";
  EXPECT_EQ(Changes(), 0);
  folder_.Write("a", "longer");
  EXPECT_EQ(Changes(), 1) << "there again";
}

// A change of mode counts, because the file may be readable now, although its content is the same.
TEST_F(FileWatchTest, ReportsAChangeOfTheMode) {
  folder_.Write("a", "1");
  const auto watch = WatchKnown("a");
  const auto deadline = std::chrono::steady_clock::now() + seconds(5);
  do {  // the clock of the file system may be coarse
    fs::permissions(folder_.At("a"), fs::perms::owner_read);
  } while (LookAt(folder_.At("a")) == watch->states()[0] &&
           std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(Changes(), 1);
}

TEST_F(FileWatchTest, FollowsLinksAtEveryLevel) {
  folder_.Write("1/tls.crt", "same");
  folder_.Write("2/tls.crt", "same");
  folder_.Link("..data", "1");
  folder_.Link("tls.crt", "..data/tls.crt");
  const auto watch = WatchKnown("tls.crt");
  folder_.Link("..data_tmp", "2");
  fs::rename(folder_.At("..data_tmp"), folder_.At("..data"));
  EXPECT_EQ(Changes(), 1);
}

TEST_F(FileWatchTest, WaitsUntilAFileIsWritten) {
  folder_.Write("a", "1");
  const auto watch = WatchKnown("a");
  folder_.Write("a", "12");
  timers_.Advance(kInterval);
  for (int i = 0; i < 5; ++i) {
    folder_.Write("a", "123" + std::string(static_cast<std::size_t>(i), '4'));
    timers_.Advance(FileWatch::kSettle);
    EXPECT_EQ(changes_, 0);
  }
  timers_.Advance(FileWatch::kSettle);
  EXPECT_EQ(changes_, 1);
}

TEST_F(FileWatchTest, WhatIsMarkedAsSeenIsNoChange) {
  folder_.Write("a", "1");
  const auto watch = WatchKnown("a");
  folder_.Write("a", "22");
  watch->MarkAsSeen({LookAt(folder_.At("a"))});
  EXPECT_EQ(Changes(), 0);
  folder_.Write("a", "333");
  timers_.Advance(kInterval -
                  FileWatch::kSettle);  // noticed once, and waiting for the second check
  watch->MarkAsSeen({LookAt(folder_.At("a"))});
  EXPECT_EQ(Changes(), 0);
}

TEST_F(FileWatchTest, TheFirstLookIsAChangeWhereNothingWasSeen) {
  folder_.Write("a", "1");
  const auto watch = Watch({folder_.At("a")});
  EXPECT_EQ(Changes(), 1);
  EXPECT_EQ(Changes(), 0);
  watch->Forget();
  EXPECT_EQ(Changes(), 1);
}

TEST_F(FileWatchTest, ReportsWhichStatesItSaw) {
  folder_.Write("a", "123");
  folder_.Fifo("pipe");
  const auto watch = Watch({folder_.At("a"), folder_.At("nowhere"), folder_.At("pipe")});
  EXPECT_EQ(Changes(), 1);
  ASSERT_EQ(watch->states().size(), 3u);
  EXPECT_EQ(watch->states()[0].size, 3);
  EXPECT_TRUE(watch->states()[0].regular);
  EXPECT_EQ(watch->states()[1].error, ENOENT);
  EXPECT_EQ(watch->states()[2].error, 0);
  EXPECT_FALSE(watch->states()[2].regular);
}

TEST_F(FileWatchTest, SpreadsManyFilesOverTurns) {
  std::vector<std::string> files;
  for (std::size_t i = 0; i < 3 * FileWatch::kFilesPerTurn; ++i) {
    folder_.Write(std::to_string(i), "1");
    files.push_back(folder_.At(std::to_string(i)));
  }
  const auto watch = Watch(files, LookAt(files));
  folder_.Write("0", "22");
  folder_.Write(std::to_string(files.size() - 1), "22");
  EXPECT_EQ(timers_.Advance(kInterval), 1);
  EXPECT_EQ(timers_.Advance(io::Millis{10}), 2) << "the other turns of the same look";
  EXPECT_EQ(Changes(), 1);
}

TEST_F(FileWatchTest, MayBeDestroyedByItsCallback) {
  std::unique_ptr<FileWatch> watch;
  const std::string long_text(100, 'x');  // captured by the callback; must outlive the watch
  std::string got;
  watch = std::make_unique<FileWatch>(timers_, kInterval, std::vector{folder_.At("a")},
                                      [&watch, &got, long_text] {
                                        watch.reset();
                                        got = long_text;
                                      });
  EXPECT_EQ(Changes(), 0);
  EXPECT_EQ(got, long_text);
  EXPECT_EQ(timers_.armed(), 0u);
}

}  // namespace
}  // namespace upgate::app
