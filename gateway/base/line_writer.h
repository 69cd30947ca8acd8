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

// Writes lines to a file descriptor from a thread of its own, in the order in which they came, so
// that nobody who has something to say waits for whoever reads it. What waits is bounded: lines
// that find no room are dropped, as are those that cannot be written (the reader has gone, the disk
// is full), and both are counted. Thread-safe but for the destructor.
class LineWriter {
 public:
  struct Options {
    // Bytes that may wait, those that are being written included.
    std::size_t capacity = std::size_t{1} << 20;
    // For how long the thread lets lines gather after it has written. Lines that come meanwhile
    // need not wake it, and wait that long at the most.
    std::chrono::milliseconds gather{5};
    // Makes the line, with its newline, that stands in the place of `count` lost ones. Called on
    // the writer's thread, maybe after the LineWriter is gone. Empty: no such line.
    std::function<std::string(std::uint64_t count)> notice = nullptr;
  };
  // How long the destructor waits at the most.
  static constexpr std::chrono::milliseconds kLastFlush{1000};

  // `fd` is borrowed and stays open to the end of the process. It may block, or not.
  LineWriter(int fd, Options options);
  // Waits for what is queued to be written, up to kLastFlush. A thread that is then still stuck in
  // its write is left behind, with all that it uses, and goes on if the reader does.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Queues one line, which ends with its newline. Never blocks on the reader.
  void Write(std::string_view line);
  // Waits until all that came before is written or lost, `timeout` at the most; whether it is.
  bool Flush(std::chrono::milliseconds timeout);
  // How many lines were dropped or could not be written so far.
  std::uint64_t lost() const;

 private:
  class Queue;
  std::shared_ptr<Queue> queue_;  // the thread's, too
  std::thread thread_;
};

}  // namespace upgate
