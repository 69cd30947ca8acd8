#include "gateway/net/loop.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <limits>
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

// The types of all handles that are not closed.
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

void Loop::Clock::SetRunning(bool running) {
  running_ = running;
  uv_update_time(&loop_);
  now_ = uv_now(&loop_);
}

io::Instant Loop::Clock::Now() const {
  if (!running_) uv_update_time(&loop_);
  const std::uint64_t now = running_ ? now_ : uv_now(&loop_);
  return io::Instant{io::Millis(static_cast<io::Millis::rep>(now - start_))};
}

std::uint64_t Loop::Clock::Micros() const {
  return uv_hrtime() / 1000;
}

std::int64_t Loop::Clock::UnixSeconds() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

Loop::Loop(const Options& options)
    : poller_(MakePoller(options.poller, Initialized(uv_))),
      clock_(uv_),
      keep_alive_(*poller_, clock_),
      read_buffer_(std::make_unique_for_overwrite<ReadBuffer>()),
      network_(std::make_unique<Network>(*this, options.name_servers)),
      slice_ns_(static_cast<std::uint64_t>(std::chrono::nanoseconds(options.slice).count())) {
  if (!poller_) Die("out of descriptors");
  wake_ = MakeHandle<uv_async_t, uv_async_cb>(
      &uv_, uv_async_init, [](uv_async_t* h) { static_cast<Loop*>(h->data)->OnWake(); });
  if (!wake_) Die("out of descriptors");
  wake_->data = this;
}

Loop::~Loop() {
  posted_.clear();
  tasks_.clear();
  DeleteDeferred();
  network_.reset();
  CloseUv();
}

void Loop::CloseUv() {
  if (poller_->size() > 0) Die("sockets left open: " + std::to_string(poller_->size()));
  poller_.reset();
  wake_.reset();
  // Running the loop with an open handle would wait for it forever.
  if (const std::string open = OpenHandles(&uv_); !open.empty()) Die("handles left open:" + open);
  while (uv_run(&uv_, UV_RUN_DEFAULT) != 0) {
  }
  if (const int error = uv_loop_close(&uv_); error != 0) Die(uv_strerror(error));
}

io::Loop Loop::view() {
  return {*network_, clock_, entropy_, *this, memory_};
}

void Loop::Run() {
  RunUntil([] { return false; });
}

void Loop::RunUntil(const std::function<bool()>& done) {
  done_ = &done;
  clock_.SetRunning(true);
  polled_ms_ = uv_now(&uv_);
  busy_.Enter();
  do {
    RunTurn();
  } while (!stopped_);
  stopped_ = false;
  busy_.Leave();
  clock_.SetRunning(false);
  done_ = nullptr;
}

// ---- a turn

void Loop::RunTurn() {
  uv_update_time(&uv_);
  clock_.Set(uv_now(&uv_));
  BeforeWait();
  // What runs here may leave something to be done before the loop may sleep.
  const bool uv_changed = std::exchange(uv_changed_, false);
  if (uv_changed) uv_run(&uv_, UV_RUN_NOWAIT);
  AfterWait(poller_->Wait(uv_changed ? 0 : TimeToWait()));
}

void Loop::BeforeWait() {
  later_.RunAll();
  RunLeftovers();
  // Posted tasks that did not fit into their slice come next.
  if (!tasks_.empty()) RunTasks();
  // Only this thread writes it.
  turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const std::uint64_t least = long_turn_ms_.load(std::memory_order_relaxed);
  if (least != 0 && uv_now(&uv_) - polled_ms_ >= least) [[unlikely]]
    long_turns_.fetch_add(1, std::memory_order_relaxed);
  DeleteDeferred();
  if ((*done_)()) stopped_ = true;
}

void Loop::AfterWait(std::uint64_t polled_ms) {
  polled_ms_ = polled_ms;
  clock_.Set(polled_ms);
  sockets_left_ = poller_->Dispatch(SliceEnd());
  // Timers run after the events of their turn: after a long turn, or when the process was not
  // scheduled, the awaited data may have arrived before the deadline.
  clock_.Advance(clock_.Now());
  DeleteDeferred();
}

bool Loop::HasMore() const {
  return sockets_left_ || !later_.empty() || !leftovers_.empty() || !tasks_.empty();
}

std::uint64_t Loop::SliceEnd() const {
  return uv_hrtime() + slice_ns_;
}

void Loop::RunLeftovers() {
  if (leftovers_.empty()) return;
  // Callbacks that call Continue again go behind all that wait now.
  io::LaterList batch;
  batch.TakeAll(leftovers_);
  const std::uint64_t end = SliceEnd();
  while (io::Later* const next = batch.Take()) {
    next->OnLater();
    if (uv_hrtime() >= end) break;
  }
  batch.TakeAll(leftovers_);
  leftovers_.TakeAll(batch);
}

void Loop::RunTasks() {
  const std::uint64_t end = SliceEnd();
  while (!tasks_.empty() && stop_after_ != 0U) {
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    if (stop_after_) --*stop_after_;
    task();
    if (uv_hrtime() >= end) break;
  }
  if (stop_after_ == 0U) {
    stop_after_.reset();
    stopped_ = true;
  }
}

int Loop::TimeToWait() {
  if (stopped_ || HasMore()) return 0;
  const auto next = clock_.NextDeadline();
  if (!next) return -1;
  return static_cast<int>(std::clamp<io::Millis::rep>((*next - clock_.Now()).count(), 0,
                                                      std::numeric_limits<int>::max()));
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
  // Read before the tasks are taken: everything posted before Stop is then in the list below.
  const bool stop = stopping_.exchange(false, std::memory_order_acq_rel);
  std::vector<Task> posted;
  {
    const std::lock_guard lock(posted_mutex_);
    posted.swap(posted_);
  }
  std::ranges::move(posted, std::back_inserter(tasks_));
  if (stop && !stop_after_) stop_after_ = tasks_.size();
  RunTasks();
}

void Loop::RunLater(io::Later& later) {
  if (later.waiting()) return;
  later_.Append(later);
}

void Loop::Continue(io::Later& later) {
  if (later.waiting()) return;
  leftovers_.Append(later);
}

void Loop::DeferDelete(std::unique_ptr<io::Deletable> thing) {
  if (thing != nullptr) deferred_.push_back(std::move(thing));
}

void Loop::DeleteDeferred() {
  // Destructors may defer more deletions.
  while (!deferred_.empty()) {
    std::vector<std::unique_ptr<io::Deletable>> batch;
    batch.swap(deferred_);
    for (auto& thing : batch) thing.reset();
  }
}

}  // namespace upgate::net
