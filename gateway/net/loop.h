#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <uv.h>

#include "gateway/base/bytes.h"
#include "gateway/io/later.h"
#include "gateway/io/network.h"
#include "gateway/net/busy_meter.h"
#include "gateway/net/handle.h"
#include "gateway/net/system_entropy.h"
#include "gateway/net/timer_wheel.h"

namespace upgate::net {

class Network;

// An event loop with everything that runs on it: the network, the timers, randomness and deferred
// deletion. One a thread; may be made on one thread and run on another. Only Post, Stop, turns and
// busy_us may be called from other threads.
//
// Everything made through it is destroyed before it, on its thread or after Run has returned. A
// handle that is still open then is a bug of its owner, and aborts with the names of the handles.
class Loop final : public io::Turn {
 public:
  using Task = std::move_only_function<void()>;

  // Aborts when the system has no descriptors left for a loop.
  Loop();
  // Drops what was posted and has not run. Waits for name lookups that are under way.
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The loop's face to everybody above.
  io::Loop view();

  // Runs until Stop.
  void Run();
  // Runs until Stop, or until `done` says so. It is asked once a turn.
  void RunUntil(const std::function<bool()>& done);

  // Makes Run return at the end of its turn, or, when it is not running, at the end of the first
  // turn of the next Run. What was posted before is run before. Thread-safe.
  void Stop();
  // Runs `task` on the loop's thread, in order, on a later turn. Thread-safe.
  void Post(Task task);

  void DeferDelete(std::unique_ptr<io::Deletable> thing) override;
  void RunLater(io::Later& later) override;

  // For statistics, from any thread: the turns made, and the processor time spent in Run in
  // microseconds.
  std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
  std::uint64_t busy_us() const { return busy_.Micros(); }

  // For this folder only.
  uv_loop_t* uv() { return &loop_; }
  io::Timers& timers() { return clock_; }
  // Where all reads go. There are writable bytes in front of it: io::kReadHeadroom.
  MutableBytes read_buffer() { return MutableBytes(read_buffer_->bytes).subspan(kAlignment); }

 private:
  static constexpr std::size_t kAlignment = 64;
  static_assert(kAlignment >= io::kReadHeadroom);

  struct ReadBuffer {
    alignas(kAlignment) std::array<std::byte, kAlignment + io::kReadBufferSize> bytes;
  };

  // The wheel on the loop's own clock: what happens in a turn happens when the loop woke up for it.
  class Clock final : public TimerWheel {
   public:
    explicit Clock(uv_loop_t& loop) : loop_(loop), start_(uv_now(&loop)) {}
    io::Instant Now() const override;
    std::uint64_t Micros() const override;
    std::int64_t UnixSeconds() const override;
    // Outside of Run no turn takes the time, so that Now has to.
    void SetRunning(bool running) { running_ = running; }

   private:
    uv_loop_t& loop_;
    std::uint64_t start_;
    bool running_ = false;
  };

  void StartHandles();
  void OnWake();
  void BeforeSleep();
  void AfterEvents();
  void SetAlarm();
  void DeleteDeferred();
  void CloseLoop();

  // First, and so the last to go: all below may refer to it.
  uv_loop_t loop_{};
  UvHandle<uv_async_t> wake_;
  UvHandle<uv_idle_t> run_later_;
  UvHandle<uv_prepare_t> before_sleep_;
  UvHandle<uv_check_t> after_events_;
  UvHandle<uv_timer_t> alarm_;

  Clock clock_;
  std::optional<io::Instant> alarm_at_;
  SystemEntropy entropy_;
  std::unique_ptr<ReadBuffer> read_buffer_;
  io::LaterList later_;
  std::vector<std::unique_ptr<io::Deletable>> deferred_;
  std::unique_ptr<Network> network_;
  const std::function<bool()>* done_ = nullptr;

  std::atomic<std::uint64_t> turns_ = 0;
  BusyMeter busy_;
  std::atomic<bool> stopping_ = false;
  std::mutex posted_mutex_;
  std::vector<Task> posted_;
};

}  // namespace upgate::net
