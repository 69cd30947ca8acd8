#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "gateway/net/loop.h"

namespace upgate::app {

// Where to do what would block a loop, such as reading files.
class Background {
 public:
  using Task = std::move_only_function<void()>;
  virtual ~Background() = default;
  // Runs `work` on another thread, after the work of earlier calls, and `done` on the thread of the
  // caller afterwards, never before Run returns. False if the system has no thread to give: neither
  // is called then.
  virtual bool Run(Task work, Task done) = 0;
};

// A thread that exists while there is work. Belongs to the thread of the loop.
class BackgroundThread final : public Background {
 public:
  explicit BackgroundThread(net::Loop& loop) : loop_(loop) {}
  // Drops what has not begun, and waits for what has. No `done` is called any more.
  ~BackgroundThread() override;
  bool Run(Task work, Task done) override;

 private:
  struct Job {
    Task work;
    Task done;
  };
  void Work();

  net::Loop& loop_;
  std::mutex mutex_;
  std::deque<Job> jobs_;
  bool working_ = false;  // the thread will look at jobs_ again
  std::thread thread_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace upgate::app
