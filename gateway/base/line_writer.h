#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace upgate {

// Writes lines to a file descriptor from its own thread, in order, so that callers never block on
// the reader. The queue is bounded: lines that do not fit are dropped, as are those that cannot be
// written (the reader has gone, the disk is full), and both are counted. Thread-safe except for the
// destructor.
class LineWriter {
 public:
  struct Options {
    // Maximum queued bytes, including those being written.
    std::size_t capacity = std::size_t{1} << 20;
    // How long the thread waits for more lines after a write. Lines that arrive meanwhile need not
    // wake it, and are delayed by at most this long.
    std::chrono::milliseconds gather{5};
    // Returns the line, with its newline, to write in place of `count` lost ones. Called on the
    // writer's thread, possibly after the LineWriter was destroyed. Empty: no such line.
    std::function<std::string(std::uint64_t count)> notice = nullptr;
  };
  // Maximum time that the destructor waits.
  static constexpr std::chrono::milliseconds kLastFlush{1000};

  // `fd` is borrowed and must stay open until the end of the process. It may be blocking or
  // non-blocking.
  LineWriter(int fd, Options options);
  // Waits for queued lines to be written, up to kLastFlush. If the thread is then still blocked in
  // its write, it is detached together with everything it uses, and continues if the reader does.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Queues one line, which must end with a newline. Never blocks on the reader.
  void Write(std::string_view line);
  // Waits until all earlier lines are written or lost, at most `timeout`; returns whether they are.
  bool Flush(std::chrono::milliseconds timeout);
  // Number of lines dropped or not written so far.
  std::uint64_t lost() const;

 private:
  class Queue;
  std::shared_ptr<Queue> queue_;  // shared with the thread
  std::thread thread_;
};

}  // namespace upgate
