#include "gateway/net/loop.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "gateway/net/network.h"

namespace upgate::net {
namespace {

[[noreturn]] void Die(const std::string& reason) {
  std::fprintf(stderr, "event loop: %s\n", reason.c_str());
  std::abort();
}

uv_loop_t& Initialized(uv_loop_t& loop) {
  if (const int error = uv_loop_init(&loop); error != 0) Die(uv_strerror(error));
  return loop;
}

// The types of the handles that nobody has closed.
std::string OpenHandles(uv_loop_t* loop) {
  std::string names;
  uv_walk(
      loop,
      [](uv_handle_t* handle, void* to) {
        if (uv_is_closing(handle) != 0) return;
        static_cast<std::string*>(to)->append(" ").append(uv_handle_type_name(handle->type));
      },
      &names);
  return names;
}

}  // namespace

io::Instant Loop::Clock::Now() const {
  if (!running_) uv_update_time(&loop_);
  return io::Instant{io::Millis(uv_now(&loop_) - start_)};
}

std::uint64_t Loop::Clock::Micros() const {
  return uv_hrtime() / 1000;
}

std::int64_t Loop::Clock::UnixSeconds() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

Loop::Loop()
    : clock_(Initialized(loop_)),
      read_buffer_(std::make_unique_for_overwrite<ReadBuffer>()),
      network_(std::make_unique<Network>(*this)) {
  StartHandles();
}

void Loop::StartHandles() {
  wake_ = MakeHandle<uv_async_t, uv_async_cb>(
      &loop_, uv_async_init, [](uv_async_t* h) { static_cast<Loop*>(h->data)->OnWake(); });
  run_later_ = MakeHandle<uv_idle_t>(&loop_, uv_idle_init);
  before_sleep_ = MakeHandle<uv_prepare_t>(&loop_, uv_prepare_init);
  after_events_ = MakeHandle<uv_check_t>(&loop_, uv_check_init);
  alarm_ = MakeHandle<uv_timer_t>(&loop_, uv_timer_init);
  if (!wake_ || !run_later_ || !before_sleep_ || !after_events_ || !alarm_) {
    Die("out of descriptors");
  }
  wake_->data = run_later_->data = before_sleep_->data = after_events_->data = alarm_->data = this;
  uv_prepare_start(before_sleep_.get(),
                   [](uv_prepare_t* h) { static_cast<Loop*>(h->data)->BeforeSleep(); });
  uv_check_start(after_events_.get(),
                 [](uv_check_t* h) { static_cast<Loop*>(h->data)->AfterEvents(); });
}

Loop::~Loop() {
  posted_.clear();
  DeleteDeferred();
  network_.reset();
  CloseLoop();
}

void Loop::CloseLoop() {
  alarm_.reset();
  after_events_.reset();
  before_sleep_.reset();
  run_later_.reset();
  wake_.reset();
  // Running on with an open handle would wait for it forever.
  if (const std::string open = OpenHandles(&loop_); !open.empty()) Die("handles left open:" + open);
  while (uv_run(&loop_, UV_RUN_DEFAULT) != 0) {
  }
  if (const int error = uv_loop_close(&loop_); error != 0) Die(uv_strerror(error));
}

io::Loop Loop::view() {
  return {*network_, clock_, entropy_, *this};
}

void Loop::Run() {
  RunUntil([] { return false; });
}

void Loop::RunUntil(const std::function<bool()>& done) {
  done_ = &done;
  clock_.SetRunning(true);
  busy_.Enter();
  uv_run(&loop_, UV_RUN_DEFAULT);
  busy_.Leave();
  clock_.SetRunning(false);
  done_ = nullptr;
}

void Loop::Stop() {
  stopping_.store(true, std::memory_order_release);
  uv_async_send(wake_.get());
}

void Loop::Post(Task task) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(task));
  }
  uv_async_send(wake_.get());
}

void Loop::OnWake() {
  // Looked at first: what was posted before the Stop is then in the list below.
  const bool stop = stopping_.exchange(false, std::memory_order_acq_rel);
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) {
    task();
    task = nullptr;
  }
  if (stop) uv_stop(&loop_);
}

void Loop::RunLater(io::Later& later) {
  if (later.waiting()) return;
  later_.Append(later);
  // An active idle handle keeps the loop from sleeping.
  uv_idle_start(run_later_.get(), [](uv_idle_t* h) {
    auto* loop = static_cast<Loop*>(h->data);
    loop->later_.RunAll();
    if (loop->later_.empty()) uv_idle_stop(h);
  });
}

void Loop::DeferDelete(std::unique_ptr<io::Deletable> thing) {
  if (thing != nullptr) deferred_.push_back(std::move(thing));
}

void Loop::DeleteDeferred() {
  // Destructors may defer further things.
  while (!deferred_.empty()) {
    std::vector<std::unique_ptr<io::Deletable>> batch;
    batch.swap(deferred_);
    for (auto& thing : batch) thing.reset();
  }
}

void Loop::BeforeSleep() {
  // Only this thread writes it.
  turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  DeleteDeferred();
  if (done_ != nullptr && (*done_)()) uv_stop(&loop_);
  SetAlarm();
}

// Timers come behind the events of their turn: after a long turn, or a process that did not get to run, the answer that
// somebody waits for may have arrived before the time for it was up.
void Loop::AfterEvents() {
  clock_.Advance(clock_.Now());
  DeleteDeferred();
}

void Loop::SetAlarm() {
  const auto next = clock_.NextDeadline();
  if (next == alarm_at_) return;
  alarm_at_ = next;
  if (!next) {
    uv_timer_stop(alarm_.get());
    return;
  }
  const io::Millis sleep = std::max(*next - clock_.Now(), io::Millis{0});
  // The alarm only ends the sleep; the wheel turns in AfterEvents, which comes next.
  uv_timer_start(
      alarm_.get(), [](uv_timer_t* h) { static_cast<Loop*>(h->data)->alarm_at_.reset(); },
      static_cast<std::uint64_t>(sleep.count()), 0);
}

}  // namespace upgate::net
