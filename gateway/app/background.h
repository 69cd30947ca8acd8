#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "gateway/net/loop.h"

namespace upgate::app {

// Runs work that would block a loop, such as reading files.
class Background {
 public:
  using Task = std::move_only_function<void()>;
  virtual ~Background() = default;
  // Runs `work` on another thread, after the work of earlier calls, and then `done` on the caller's
  // thread, never before Run returns. Returns false if the system cannot create a thread; neither
  // is called then.
  virtual bool Run(Task work, Task done) = 0;
};

// Uses a thread that exists only while there is work. Owned by, and used on, the loop's thread.
class BackgroundThread final : public Background {
 public:
  explicit BackgroundThread(net::Loop& loop) : loop_(loop) {}
  // Discards work that has not begun, and waits for work that has. No `done` is called afterwards.
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
