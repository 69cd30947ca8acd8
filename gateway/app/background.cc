#include "gateway/app/background.h"

#include <system_error>
#include <utility>

#include "gateway/base/side_thread.h"

namespace upgate::app {

BackgroundThread::~BackgroundThread() {
  {
    const std::lock_guard lock(mutex_);
    jobs_.clear();
  }
  if (thread_.joinable()) thread_.join();
}

bool BackgroundThread::Run(Task work, Task done) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back({std::move(work), std::move(done)});
  if (working_) return true;
  // The thread has checked the jobs for the last time, and is about to end.
  if (thread_.joinable()) thread_.join();
  try {
    thread_ = std::thread([this] { Work(); });
  } catch (const std::system_error&) {
    jobs_.clear();
    return false;
  }
  working_ = true;
  return true;
}

void BackgroundThread::Work() {
  BeginSideThread();
  for (;;) {
    Job job;
    {
      const std::lock_guard lock(mutex_);
      if (jobs_.empty()) {
        working_ = false;
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.work();
    job.work = nullptr;  // destroys captured objects before `done`
    loop_.Post([alive = std::weak_ptr(alive_), done = std::move(job.done)]() mutable {
      if (!alive.expired()) done();
    });
  }
}

}  // namespace upgate::app
