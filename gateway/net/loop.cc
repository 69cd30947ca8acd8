#include "gateway/net/loop.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
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

// How long signals may wait, in milliseconds, and after how many events to look at the clock for
// that. One event can take two milliseconds (inflating).
constexpr std::int64_t kLongestWait = 10;
constexpr std::uint32_t kEventsBetweenLooks = 8;

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

std::int64_t Loop::Clock::Read() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<io::Millis>(now).count();
}

void Loop::Clock::SetRunning(bool running) {
  running_ = running;
  Update();
}

io::Instant Loop::Clock::Now() const {
  return io::Instant{io::Millis((running_ ? now_ : Read()) - start_)};
}

std::uint64_t Loop::Clock::Micros() const {
  return uv_hrtime() / 1000;
}

std::int64_t Loop::Clock::UnixSeconds() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

Loop::Loop()
    : uv_client_(Initialized(uv_)),
      read_buffer_(std::make_unique_for_overwrite<ReadBuffer>()),
      network_(std::make_unique<Network>(*this)) {
  WatchUv();
}

void Loop::WatchUv() {
  wake_ = MakeHandle<uv_async_t, uv_async_cb>(
      &uv_, uv_async_init, [](uv_async_t* h) { static_cast<Loop*>(h->data)->OnWake(); });
  if (!wake_) Die("out of descriptors");
  wake_->data = this;
  if (poller_.Add(uv_backend_fd(&uv_), EPOLLIN, uv_client_) == Poller::kNowhere) {
    Die("out of memory");
  }
}

Loop::~Loop() {
  posted_.clear();
  DeleteDeferred();
  network_.reset();
  CloseUv();
}

void Loop::CloseUv() {
  wake_.reset();
  // Running on with an open handle would wait for it forever.
  if (const std::string open = OpenHandles(&uv_); !open.empty()) Die("handles left open:" + open);
  // All but libuv's own.
  if (poller_.size() > 1) Die("sockets left open: " + std::to_string(poller_.size() - 1));
  while (uv_run(&uv_, UV_RUN_DEFAULT) != 0) {
  }
  if (const int error = uv_loop_close(&uv_); error != 0) Die(uv_strerror(error));
}

io::Loop Loop::view() {
  return {*network_, clock_, entropy_, *this};
}

void Loop::Run() {
  RunUntil([] { return false; });
}

void Loop::RunUntil(const std::function<bool()>& done) {
  clock_.SetRunning(true);
  busy_.Enter();
  stopped_ = false;
  while (!stopped_) {
    later_.RunAll([this] { Breathe(); });
    // Only this thread writes it.
    turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    DeleteDeferred();
    if (done()) stopped_ = true;
    RunTurn();
  }
  busy_.Leave();
  clock_.SetRunning(false);
}

void Loop::RunTurn() {
  poller_.Wait(stopped_ ? 0 : SleepTime());
  clock_.Update();
  looked_ = clock_.updated();
  poller_.Dispatch([this] { Breathe(); });
  if (std::exchange(woken_, false)) OnWake();
  // libuv has something to do that no event tells of: a handle to start watching, or one that was
  // closed.
  if (uv_backend_timeout(&uv_) == 0) uv_run(&uv_, UV_RUN_NOWAIT);
  // Timers come behind the events of their turn: after a long turn, or a process that did not get
  // to run, the answer that somebody waits for may have arrived before the time for it was up.
  clock_.Advance(clock_.Now());
  DeleteDeferred();
}

void Loop::Breathe() {
  if (++events_ % kEventsBetweenLooks != 0) return;
  const std::int64_t now = Clock::Read();
  if (now - looked_ < kLongestWait) return;
  looked_ = now;
  breathing_ = true;
  uv_run(&uv_, UV_RUN_NOWAIT);
  breathing_ = false;
}

bool Loop::HasLookups() const {
  return network_->HasLookups();
}

int Loop::SleepTime() {
  if (woken_ || !later_.empty() || uv_backend_timeout(&uv_) == 0) return 0;
  const auto next = clock_.NextDeadline();
  if (!next) return -1;
  const std::int64_t sleep = (*next - clock_.Now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(sleep, 0, std::numeric_limits<int>::max()));
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
  // Others may post without end: their work waits for the output and the input of this turn.
  if (breathing_) {
    woken_ = true;
    return;
  }
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
  if (stop) stopped_ = true;
}

void Loop::RunLater(io::Later& later) {
  if (!later.waiting()) later_.Append(later);
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

}  // namespace upgate::net
