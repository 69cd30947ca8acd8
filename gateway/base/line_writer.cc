#include "gateway/base/line_writer.h"

#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <latch>
#include <mutex>
#include <utility>

#include <climits>

namespace upgate {
namespace {

// Memory beyond this is freed after a flood of lines.
constexpr std::size_t kKeptCapacity = 64 << 10;

std::uint64_t LinesIn(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

// How much of `text` to write at once: whole lines, up to PIPE_BUF bytes if possible, which a pipe
// does not interleave with the output of other processes.
std::size_t NextPiece(std::string_view text) {
  if (text.size() <= PIPE_BUF) return text.size();
  std::size_t end = text.rfind('\n', PIPE_BUF - 1);
  if (end == std::string_view::npos) end = text.find('\n', PIPE_BUF);
  return end == std::string_view::npos ? text.size() : end + 1;
}

// Returns the number of bytes written: all, or fewer after an error. Handles EAGAIN, because
// another user of the open file description may have made it non-blocking.
std::size_t WriteAll(int fd, std::string_view text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EAGAIN) {
      pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
    } else if (n == 0 || errno != EINTR) {
      break;
    }
  }
  return done;
}

// Gives the calling thread a separate file table that has only the standard descriptors and `kept`.
// While threads share a table, the kernel counts references on each of their system calls with a
// descriptor, which a single-threaded process avoids. If this is not permitted, nothing changes.
void LeaveFileTable(int kept) {
  const auto first = static_cast<unsigned>(std::max(kept, STDERR_FILENO)) + 1;
  if (::close_range(first, ~0U, CLOSE_RANGE_UNSHARE) != 0) return;
  if (first > STDERR_FILENO + 2) ::close_range(STDERR_FILENO + 1, first - 2, 0);
}

}  // namespace

class LineWriter::Queue {
 public:
  Queue(int fd, Options options) : fd_(fd), options_(std::move(options)) {}

  void Push(std::string_view line);
  bool Flush(std::chrono::milliseconds timeout);
  void Stop();
  // The thread's main function. Returns once everything is written after Stop.
  void Run();
  void WaitForStart() { started_.wait(); }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  struct Batch {
    std::string text;
    std::uint64_t dropped_after = 0;  // lines
  };

  bool has_work() const { return !waiting_.text.empty() || waiting_.dropped_after > 0; }
  void Write(const Batch& batch);
  void WritePiece(std::string_view piece);
  void WriteNotice();
  std::size_t TryToWrite(std::string_view text);
  void Lose(std::uint64_t lines);
  void Release(std::size_t bytes);

  const int fd_;
  const Options options_;
  std::latch started_{1};
  std::atomic<std::uint64_t> lost_ = 0;

  std::mutex mutex_;  // protects the following members
  std::condition_variable wake_, written_;
  Batch waiting_;
  std::size_t size_ = 0;  // bytes in `waiting_` and in the batch being written
  bool asleep_ = false;   // the thread must be woken for new lines
  bool writing_ = false;
  bool stopping_ = false;
  int flushes_ = 0;  // waiting callers of Flush

  // Used by the thread only.
  std::uint64_t unreported_ = 0;  // lines lost since the last notice
  bool torn_ = false;             // the last write ended in the middle of a line
};

// After a dropped line, nothing is accepted until the thread has taken the queue: so all missing
// lines are in one place, with one notice.
void LineWriter::Queue::Push(std::string_view line) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.dropped_after > 0 || line.size() > options_.capacity - size_) {
      ++waiting_.dropped_after;
      lost_.fetch_add(1, std::memory_order_relaxed);
    } else {
      waiting_.text += line;
      size_ += line.size();
    }
    wake = std::exchange(asleep_, false);
  }
  if (wake) wake_.notify_one();
}

bool LineWriter::Queue::Flush(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  ++flushes_;
  wake_.notify_one();
  const bool done = written_.wait_for(lock, timeout, [this] { return !has_work() && !writing_; });
  --flushes_;
  return done;
}

void LineWriter::Queue::Stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_one();
}

void LineWriter::Queue::Run() {
  LeaveFileTable(fd_);
  started_.count_down();
  Batch batch;
  std::unique_lock lock(mutex_);
  while (true) {
    asleep_ = true;
    wake_.wait(lock, [this] { return has_work() || stopping_; });
    asleep_ = false;
    if (!has_work()) return;
    std::swap(batch, waiting_);
    writing_ = true;
    lock.unlock();
    Write(batch);
    if (batch.text.capacity() > kKeptCapacity) batch.text = {};
    batch.text.clear();
    batch.dropped_after = 0;
    lock.lock();
    writing_ = false;
    if (!has_work()) written_.notify_all();
    wake_.wait_for(lock, options_.gather, [this] { return stopping_ || flushes_ > 0; });
  }
}

void LineWriter::Queue::Write(const Batch& batch) {
  std::string_view text = batch.text;
  while (!text.empty()) {
    const std::size_t size = NextPiece(text);
    WritePiece(text.substr(0, size));
    Release(size);
    text.remove_prefix(size);
  }
  if (batch.dropped_after == 0) return;
  unreported_ += batch.dropped_after;
  WriteNotice();
}

void LineWriter::Queue::WritePiece(std::string_view piece) {
  if (unreported_ > 0) WriteNotice();
  // If the notice failed, this would fail too, and it must come after the notice.
  if (unreported_ > 0) return Lose(LinesIn(piece));
  const std::size_t written = TryToWrite(piece);
  if (written < piece.size()) Lose(LinesIn(piece.substr(written)));
}

void LineWriter::Queue::WriteNotice() {
  std::string notice = torn_ ? "\n" : "";
  if (options_.notice) notice += options_.notice(unreported_);
  if (TryToWrite(notice) == notice.size()) unreported_ = 0;
}

std::size_t LineWriter::Queue::TryToWrite(std::string_view text) {
  const std::size_t written = WriteAll(fd_, text);
  if (written > 0) torn_ = text[written - 1] != '\n';
  return written;
}

void LineWriter::Queue::Lose(std::uint64_t lines) {
  unreported_ += lines;
  lost_.fetch_add(lines, std::memory_order_relaxed);
}

void LineWriter::Queue::Release(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  size_ -= bytes;
}

LineWriter::LineWriter(int fd, Options options)
    : queue_(std::make_shared<Queue>(fd, std::move(options))) {
  // Block all signals in the new thread: handlers may use descriptors, which it does not have.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([queue = queue_] { queue->Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  queue_->WaitForStart();
}

LineWriter::~LineWriter() {
  const bool written = queue_->Flush(kLastFlush);
  queue_->Stop();
  if (written) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void LineWriter::Write(std::string_view line) {
  assert(line.ends_with('\n') && "a whole line");
  queue_->Push(line);
}

bool LineWriter::Flush(std::chrono::milliseconds timeout) {
  return queue_->Flush(timeout);
}

std::uint64_t LineWriter::lost() const {
  return queue_->lost();
}

}  // namespace upgate
