#include "gateway/base/line_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <climits>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/fd.h"

namespace upgate {
namespace {

using namespace std::literals;
using testing::EndsWith;
using testing::StartsWith;

constexpr auto kLongEnough = 60s;

std::string Notice(std::uint64_t count) {
  return "lost " + std::to_string(count) + "\n";
}

// A pipe between a LineWriter and the test.
class Pipe {
 public:
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    reader_ = UniqueFd(ends[0]);
    writer_ = UniqueFd(ends[1]);
  }

  int writer() const { return writer_.get(); }
  void CloseReader() { reader_ = UniqueFd(); }
  void MakeWriterNonBlocking() const { ::fcntl(writer(), F_SETFL, O_WRONLY | O_NONBLOCK); }

  // Fills the pipe, so that the next write blocks; returns the number of bytes.
  std::size_t Fill() const {
    MakeWriterNonBlocking();
    std::size_t size = 0;
    for (const std::string block(PIPE_BUF, '#'); ::write(writer(), block.data(), PIPE_BUF) > 0;)
      size += PIPE_BUF;
    ::fcntl(writer(), F_SETFL, O_WRONLY);
    return size;
  }

  std::string Read(std::size_t size) const {
    std::string text(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const ssize_t n = ::read(reader_.get(), text.data() + done, size - done);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    text.resize(done);
    return text;
  }

  // Reads until `end`, which must arrive.
  std::string ReadUntil(std::string_view end) const {
    std::string text;
    while (!text.ends_with(end)) {
      const std::string next = Read(1);
      if (next.empty()) break;
      text += next;
    }
    return text;
  }

  // Reads what is available.
  std::string ReadAvailable() const {
    std::string text;
    pollfd readable{.fd = reader_.get(), .events = POLLIN, .revents = 0};
    while (::poll(&readable, 1, 0) > 0 && (readable.revents & POLLIN) != 0) text += Read(1);
    return text;
  }

 private:
  UniqueFd reader_;
  UniqueFd writer_;
};

class LineWriterTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }
  Pipe pipe_;
};

TEST_F(LineWriterTest, LinesKeepTheirOrder) {
  std::string expected;
  LineWriter writer(pipe_.writer(), {});
  for (int i = 0; i < 1000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    expected += line;
    writer.Write(line);
  }
  EXPECT_EQ(pipe_.Read(expected.size()), expected);
  EXPECT_TRUE(writer.Flush(kLongEnough));
  EXPECT_EQ(writer.lost(), 0);
}

TEST_F(LineWriterTest, FlushWaitsForEarlierLines) {
  LineWriter writer(pipe_.writer(), {.gather = 1h});
  for (int i = 0; i < 3; ++i) {
    writer.Write("line\n");
    ASSERT_TRUE(writer.Flush(kLongEnough));
    EXPECT_EQ(pipe_.ReadAvailable(), "line\n");
  }
}

TEST_F(LineWriterTest, TheDestructorFlushes) {
  {
    LineWriter writer(pipe_.writer(), {.gather = 1h});
    writer.Write("first\n");
    ASSERT_TRUE(writer.Flush(kLongEnough));
    writer.Write("last\n");
  }
  EXPECT_EQ(pipe_.ReadAvailable(), "first\nlast\n");
}

TEST_F(LineWriterTest, FlushGivesUpWhenNobodyReads) {
  const std::size_t filled = pipe_.Fill();
  LineWriter writer(pipe_.writer(), {});
  writer.Write("waits\n");
  EXPECT_FALSE(writer.Flush(1ms));
  EXPECT_EQ(writer.lost(), 0);
  EXPECT_EQ(pipe_.Read(filled).size(), filled);
  EXPECT_TRUE(writer.Flush(kLongEnough));
  EXPECT_EQ(pipe_.ReadAvailable(), "waits\n");
}

TEST_F(LineWriterTest, WhatDoesNotFitIsDroppedAndCounted) {
  const std::size_t filled = pipe_.Fill();
  LineWriter writer(pipe_.writer(), {.capacity = 20, .notice = Notice});
  writer.Write("12345678 a\n");
  writer.Write("12345678\n");
  EXPECT_EQ(writer.lost(), 0);
  writer.Write("x\n");
  EXPECT_EQ(writer.lost(), 1);
  EXPECT_EQ(pipe_.Read(filled).size(), filled);
  ASSERT_TRUE(writer.Flush(kLongEnough));
  writer.Write("there is room\n");
  ASSERT_TRUE(writer.Flush(kLongEnough));
  EXPECT_EQ(pipe_.ReadAvailable(), "12345678 a\n12345678\nlost 1\nthere is room\n");
  EXPECT_EQ(writer.lost(), 1);
}

TEST_F(LineWriterTest, ALineLargerThanAllRoomIsLostWithoutTheOthers) {
  LineWriter writer(pipe_.writer(), {.capacity = 20, .notice = Notice});
  writer.Write(std::string(20, 'x') + "\n");
  ASSERT_TRUE(writer.Flush(kLongEnough));
  writer.Write(std::string(19, 'y') + "\n");
  ASSERT_TRUE(writer.Flush(kLongEnough));
  EXPECT_EQ(pipe_.ReadAvailable(), "lost 1\n" + std::string(19, 'y') + "\n");
}

// Regardless of how much is lost, one line reports it, at the place of the missing lines; a second
// one only if the writer has begun to write the first before the gap ends.
TEST_F(LineWriterTest, ANoticeForEachGapAndNotForEachLine) {
  const std::size_t filled = pipe_.Fill();
  LineWriter writer(pipe_.writer(), {.capacity = 1000, .notice = Notice});
  constexpr int kLines = 500;
  for (int i = 0; i < kLines; ++i) writer.Write("0123456789\n");
  EXPECT_EQ(writer.lost(), kLines - 1000 / 11);
  EXPECT_EQ(pipe_.Read(filled).size(), filled);
  ASSERT_TRUE(writer.Flush(kLongEnough));
  const std::string text = pipe_.ReadAvailable();
  EXPECT_THAT(text, StartsWith("0123456789\n"));
  const std::size_t gap = text.find("lost ");
  ASSERT_NE(gap, std::string::npos);
  EXPECT_EQ(text.find("0123456789", gap), std::string::npos);
  std::istringstream notices(text.substr(gap));
  int count = 0;
  std::uint64_t sum = 0;
  std::string word;
  for (std::uint64_t lost = 0; notices >> word >> lost; ++count) sum += lost;
  EXPECT_EQ(sum, writer.lost());
  EXPECT_LE(count, 2);
}

TEST_F(LineWriterTest, ALongLineIsWrittenWhole) {
  const std::string line = std::string(100'000, 'x') + "\n";
  LineWriter writer(pipe_.writer(), {});
  writer.Write("before\n");
  writer.Write(line);
  writer.Write("after\n");
  EXPECT_EQ(pipe_.ReadUntil("after\n"), "before\n" + line + "after\n");
}

TEST_F(LineWriterTest, ADescriptorThatDoesNotBlockLosesNothing) {
  const std::size_t filled = pipe_.Fill();
  pipe_.MakeWriterNonBlocking();
  LineWriter writer(pipe_.writer(), {});
  writer.Write("waits\n");
  EXPECT_FALSE(writer.Flush(1ms));
  EXPECT_EQ(pipe_.Read(filled).size(), filled);
  EXPECT_EQ(pipe_.ReadUntil("waits\n"), "waits\n");
  EXPECT_TRUE(writer.Flush(kLongEnough));
  EXPECT_EQ(writer.lost(), 0);
}

TEST_F(LineWriterTest, LinesWithoutAReaderAreCounted) {
  LineWriter writer(pipe_.writer(), {.notice = Notice});
  pipe_.CloseReader();
  for (std::uint64_t lines = 1; lines < 4; ++lines) {
    writer.Write("line\n");
    ASSERT_TRUE(writer.Flush(kLongEnough));
    EXPECT_EQ(writer.lost(), lines);
  }
}

// A new reader opens a named pipe.
TEST(LineWriterToFifoTest, LinesAreWrittenAgainAfterAnError) {
  std::signal(SIGPIPE, SIG_IGN);
  std::string path = testing::TempDir() + "line_writer_XXXXXX";
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  const std::string fifo = path + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  UniqueFd reader(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const UniqueFd fd(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(fd);
  LineWriter writer(fd.get(), {.notice = Notice});
  reader = UniqueFd();
  writer.Write("one\n");
  writer.Write("two\n");
  ASSERT_TRUE(writer.Flush(kLongEnough));
  reader = UniqueFd(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  writer.Write("three\n");
  ASSERT_TRUE(writer.Flush(kLongEnough));
  std::array<char, 100> text{};
  const ssize_t size = ::read(reader.get(), text.data(), text.size());
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string_view(text.data(), static_cast<std::size_t>(size)), "lost 2\nthree\n");
  EXPECT_EQ(writer.lost(), 2);
  ::unlink(fifo.c_str());
  ::rmdir(path.c_str());
}

// The reader closes in the middle of a long line; the next line is not appended to its half.
TEST(LineWriterToFileTest, AfterATornLineComesALineBreak) {
  std::string path = testing::TempDir() + "line_writer_XXXXXX";
  const UniqueFd file(::mkstemp(path.data()));
  ASSERT_TRUE(file);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  LineWriter writer(file.get(), {.notice = Notice});
  rlimit small = before;
  small.rlim_cur = 4;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  writer.Write("0123456789\n");
  const bool flushed = writer.Flush(kLongEnough);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(flushed);
  EXPECT_EQ(writer.lost(), 1);
  writer.Write("whole\n");
  ASSERT_TRUE(writer.Flush(kLongEnough));
  std::array<char, 100> text{};
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string_view(text.data(), static_cast<std::size_t>(size)), "0123\nlost 1\nwhole\n");
  ::unlink(path.c_str());
}

TEST(LineWriterToNowhereTest, AFullDiskIsNotFatal) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  LineWriter writer(full.get(), {.notice = Notice});
  writer.Write("one\n");
  writer.Write("two\n");
  ASSERT_TRUE(writer.Flush(kLongEnough));
  EXPECT_EQ(writer.lost(), 2);
}

// The destructor abandons a blocked thread, which may continue if somebody reads later.
TEST_F(LineWriterTest, TheEndDoesNotWaitForAReader) {
  const std::size_t filled = pipe_.Fill();
  std::optional<LineWriter> writer(std::in_place, pipe_.writer(), LineWriter::Options{});
  writer->Write("waits\n");
  writer.reset();
  EXPECT_EQ(pipe_.Read(filled).size(), filled);
  EXPECT_EQ(pipe_.ReadUntil("waits\n"), "waits\n");
}

TEST_F(LineWriterTest, SeveralThreadsWriteAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kLines = 5000;
  LineWriter writer(pipe_.writer(), {.capacity = 1 << 12, .notice = Notice});
  std::atomic<std::uint64_t> sum_of_notices = 0;
  std::uint64_t seen = 0;
  std::thread reader([&] {
    std::array<int, kThreads> last{};
    last.fill(-1);
    for (std::string line = pipe_.ReadUntil("\n"); line != "end\n"; line = pipe_.ReadUntil("\n")) {
      int thread = 0;
      int number = 0;
      if (std::sscanf(line.c_str(), "lost %d", &number) == 1) {
        sum_of_notices += static_cast<std::uint64_t>(number);
        continue;
      }
      if (std::sscanf(line.c_str(), "thread %d line %d\n", &thread, &number) != 2) {
        ADD_FAILURE() << line;
        break;
      }
      EXPECT_LT(last.at(static_cast<std::size_t>(thread)), number);
      last.at(static_cast<std::size_t>(thread)) = number;
      ++seen;
    }
  });
  std::vector<std::thread> writers;
  for (int thread = 0; thread < kThreads; ++thread) {
    writers.emplace_back([&writer, thread] {
      for (int i = 0; i < kLines; ++i)
        writer.Write("thread " + std::to_string(thread) + " line " + std::to_string(i) + "\n");
    });
  }
  for (auto& thread : writers) thread.join();
  EXPECT_TRUE(writer.Flush(kLongEnough));
  writer.Write("end\n");
  reader.join();
  EXPECT_EQ(seen + writer.lost(), std::uint64_t{kThreads} * kLines);
  EXPECT_EQ(sum_of_notices, writer.lost());
}

// A descriptor closed by the rest of the process is closed, even if the thread has inherited it.
TEST(LineWriterThreadTest, HoldsNoDescriptorsButItsOwn) {
  Pipe other;
  Pipe pipe;
  std::optional<LineWriter> writer(std::in_place, pipe.writer(), LineWriter::Options{});
  other.CloseReader();
  std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(::write(other.writer(), "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
}

}  // namespace
}  // namespace upgate
