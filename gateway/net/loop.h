#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <uv.h>

#include "gateway/base/bytes.h"
#include "gateway/io/later.h"
#include "gateway/io/memory.h"
#include "gateway/io/network.h"
#include "gateway/net/busy_meter.h"
#include "gateway/net/handle.h"
#include "gateway/net/poller.h"
#include "gateway/net/system_entropy.h"
#include "gateway/net/timer_wheel.h"

namespace upgate::net {

class Network;

// An event loop with everything that runs on it: the network, the timers, randomness and deferred
// deletion. One a thread; may be made on one thread and run on another. Only Post, Stop, turns and
// busy_us may be called from other threads.
//
// libuv's loop drives. One turn is one iteration of it:
//
//   idle     what RunLater was asked for, then some of what sessions have left over (Continue)
//   prepare  deferred deletions; the alarm for the next timer
//   poll     libuv waits, hears signals and the end of name lookups, and runs what was posted
//   check    sockets that are ready, then timers
//
// A turn is bounded: posted tasks, ready sockets and leftovers each get a slice of time, and what
// does not fit waits for the next turn. So signals, timers, new clients and peers with little to
// say never wait for those that have much: the latter are among the leftovers, which are served in
// order, a share at a time.
//
// Everything made through it is destroyed before it, on its thread or after Run has returned. A
// handle that is still open then is a bug of its owner, and aborts with the names of the handles.
class Loop final : public io::Turn {
 public:
  using Task = std::move_only_function<void()>;

  struct Options {
    PollerKind poller = kBestPoller;
    // The slice of a turn that tasks, ready sockets and leftovers get each. At least one task,
    // socket or leftover is served.
    std::chrono::microseconds slice{2000};
  };

  // Aborts when the system has no descriptors left for a loop.
  Loop() : Loop(Options{}) {}
  explicit Loop(const Options& options);
  // Drops what was posted and has not run. Waits for name lookups that are under way.
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The loop's face to everybody above.
  io::Loop view();

  // Runs until Stop.
  void Run();
  // Runs until Stop, or until `done` says so. It is asked once a turn. Not to be called from
  // within.
  void RunUntil(const std::function<bool()>& done);

  // Makes Run return at the end of its turn, or, when it is not running, at the end of the first
  // turn of the next Run. What was posted before is run before. Thread-safe.
  void Stop();
  // Runs `task` on the loop's thread, in order, on a later turn. Thread-safe.
  void Post(Task task);

  void DeferDelete(std::unique_ptr<io::Deletable> thing) override;
  void RunLater(io::Later& later) override;
  void Continue(io::Later& later) override;

  // Whether names are being looked up, which destroying the loop waits for. Outside of Run only.
  bool HasLookups() const;

  // For statistics, from any thread: the turns made, and the processor time spent in Run in
  // microseconds.
  std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
  std::uint64_t busy_us() const { return busy_.Micros(); }

  // Whether somebody waits for a later turn: then who has much to say stands in line, too.
  bool crowded() const { return sockets_left_ || !leftovers_.empty(); }

  // For this folder only.
  uv_loop_t* uv() { return &uv_; }
  Poller& poller() { return *poller_; }
  io::MemoryLedger& memory() { return memory_; }
  io::Timers& timers() { return clock_; }
  // Where all reads go. There are writable bytes in front of it: io::kReadHeadroom.
  MutableBytes read_buffer() { return MutableBytes(read_buffer_->bytes).subspan(kAlignment); }

 private:
  static constexpr std::size_t kAlignment = 64;
  static_assert(kAlignment >= io::kReadHeadroom);

  struct ReadBuffer {
    alignas(kAlignment) std::array<std::byte, kAlignment + io::kReadBufferSize> bytes;
  };

  // The wheel on libuv's clock: what happens in a turn happens when the loop woke up for it.
  class Clock final : public TimerWheel {
   public:
    explicit Clock(uv_loop_t& loop) : loop_(loop), start_(uv_now(&loop)) {}
    io::Instant Now() const override;
    std::uint64_t Micros() const override;
    std::int64_t UnixSeconds() const override;
    // Outside of Run no turn takes the time, so that Now has to.
    void SetRunning(bool running);

   private:
    uv_loop_t& loop_;
    std::uint64_t start_;  // milliseconds
    bool running_ = false;
  };

  void MakeHandles();
  // The phases of a turn; see above.
  void OnIdle();
  void OnPrepare();
  void OnWake();
  void OnCheck();

  std::uint64_t SliceEnd() const;
  void RunTasks();
  void RunLeftovers();
  void SetAlarm();
  // Makes libuv come to OnIdle without waiting for an event.
  void KeepAwake();
  bool HasMore() const;
  void DeleteDeferred();
  void CloseUv();

  // First, and so the last to go: all below may refer to them.
  io::MemoryLedger memory_;
  uv_loop_t uv_{};
  UvHandle<uv_async_t> wake_;
  UvHandle<uv_idle_t> idle_;
  UvHandle<uv_prepare_t> prepare_;
  UvHandle<uv_check_t> check_;
  UvHandle<uv_timer_t> alarm_;
  std::unique_ptr<Poller> poller_;

  Clock clock_;
  SystemEntropy entropy_;
  std::unique_ptr<ReadBuffer> read_buffer_;
  io::LaterList later_;
  io::LaterList leftovers_;
  std::vector<std::unique_ptr<io::Deletable>> deferred_;
  std::unique_ptr<Network> network_;
  const std::uint64_t slice_ns_;
  bool awake_ = false;                     // idle_ is active
  bool sockets_left_ = false;              // ready, and not served in their slice
  std::optional<io::Instant> alarm_for_;   // while alarm_ is armed
  std::deque<Task> tasks_;                 // taken from posted_
  std::optional<std::size_t> stop_after_;  // so many of tasks_
  const std::function<bool()>* done_ = nullptr;

  std::atomic<std::uint64_t> turns_ = 0;
  BusyMeter busy_;
  std::atomic<bool> stopping_ = false;
  std::mutex posted_mutex_;
  std::vector<Task> posted_;
};

}  // namespace upgate::net
