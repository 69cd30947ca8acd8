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
#include <string>
#include <vector>

#include <uv.h>

#include "gateway/base/bytes.h"
#include "gateway/io/later.h"
#include "gateway/io/memory.h"
#include "gateway/io/network.h"
#include "gateway/net/busy_meter.h"
#include "gateway/net/handle.h"
#include "gateway/net/keep_alive.h"
#include "gateway/net/poller.h"
#include "gateway/net/system_entropy.h"
#include "gateway/net/timer_wheel.h"

namespace upgate::net {

class Network;

// An event loop with everything that runs on it: network, timers, randomness and deferred deletion.
// One per thread; may be created on one thread and run on another. Only Post, Stop, turns and
// busy_us may be called from other threads.
//
// One turn:
//
// - RunLater callbacks, then some of the leftovers of sessions (Continue)
// - deferred deletions
// - the poller waits, for at most the time to the next timer; libuv, whose loop is part of what it
//   waits for, handles signals and runs posted tasks
// - ready sockets, then timers
//
// A turn is bounded: posted tasks, ready sockets and leftovers each get a time slice, and the rest
// waits for the next turn. So signals, timers, new clients and peers with little traffic never wait
// for peers with much traffic: those are among the leftovers, which are served in order, one share
// at a time.
//
// Everything created through it must be destroyed before it, on its thread or after Run has
// returned. A handle that is still open then is a bug of its owner, and the loop aborts with the
// names of the handles.
class Loop final : public io::Turn {
 public:
  using Task = std::move_only_function<void()>;

  struct Options {
    PollerKind poller = kBestPoller;
    // The time slice of a turn that tasks, ready sockets and leftovers get each. At least one task,
    // socket or leftover is served.
    std::chrono::microseconds slice{2000};
    // Name servers in the place of the system's; see DnsClient.
    std::string name_servers = {};
  };

  // Aborts if the system has no descriptors left for a loop.
  Loop() : Loop(Options{}) {}
  explicit Loop(const Options& options);
  // Drops posted tasks that have not run, and name lookups in progress.
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The loop as the interface for the layers above.
  io::Loop view();

  // Runs until Stop.
  void Run();
  // Runs until Stop, or until `done` returns true. `done` is called once per turn. Not re-entrant.
  void RunUntil(const std::function<bool()>& done);

  // Makes Run return at the end of its turn, or, if it is not running, at the end of the first turn
  // of the next Run. Tasks posted before still run. Thread-safe.
  void Stop();
  // Runs `task` on the loop's thread in a later turn, in order. Thread-safe.
  void Post(Task task);

  void DeferDelete(std::unique_ptr<io::Deletable> thing) override;
  void RunLater(io::Later& later) override;
  void Continue(io::Later& later) override;

  // For statistics, thread-safe: the number of turns, and the processor time spent in Run in
  // microseconds.
  std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
  std::uint64_t busy_us() const { return busy_.Micros(); }

  // The number of turns that took at least as long as SetLongTurn says; turns end when the loop
  // sleeps. Thread-safe, as is SetLongTurn; 0: no turn is long.
  std::uint64_t long_turns() const { return long_turns_.load(std::memory_order_relaxed); }
  void SetLongTurn(std::chrono::milliseconds least) {
    long_turn_ms_.store(static_cast<std::uint64_t>(least.count()), std::memory_order_relaxed);
  }

  // True if work is waiting for a later turn: then a peer with much traffic has to wait as well.
  bool crowded() const override { return sockets_left_ || !leftovers_.empty(); }

  // For this folder only.
  uv_loop_t* uv() {
    uv_changed_ = true;
    return &uv_;
  }
  Poller& poller() { return *poller_; }
  io::MemoryLedger& memory() { return memory_; }
  io::Timers& timers() { return clock_; }
  KeepAlive& keep_alive() { return keep_alive_; }
  // The buffer for all reads. It is preceded by io::kReadHeadroom writable bytes.
  MutableBytes read_buffer() { return MutableBytes(read_buffer_->bytes).subspan(kAlignment); }

 private:
  static constexpr std::size_t kAlignment = 64;
  static_assert(kAlignment >= io::kReadHeadroom);

  struct ReadBuffer {
    alignas(kAlignment) std::array<std::byte, kAlignment + io::kReadBufferSize> bytes;
  };

  // A timer wheel on libuv's clock: the time is fixed for a turn, at the moment when the loop woke
  // up. libuv's own time may be later: since 1.45 it also changes after callbacks.
  class Clock final : public TimerWheel {
   public:
    explicit Clock(uv_loop_t& loop) : loop_(loop), start_(uv_now(&loop)), now_(start_) {}
    io::Instant Now() const override;
    std::uint64_t Micros() const override;
    std::int64_t UnixSeconds() const override;
    // Outside of Run no turn updates the time, so Now does.
    void SetRunning(bool running);
    // While running; libuv's milliseconds.
    void Set(std::uint64_t ms) { now_ = ms; }

   private:
    uv_loop_t& loop_;
    std::uint64_t start_;  // libuv's milliseconds, as now_
    std::uint64_t now_;
    bool running_ = false;
  };

  void RunTurn();
  // The phases of a turn; see above.
  void BeforeWait();
  void AfterWait(std::uint64_t polled_ms);
  void OnWake();

  std::uint64_t SliceEnd() const;
  void RunTasks();
  void RunLeftovers();
  // For Poller::Wait.
  int TimeToWait();
  bool HasMore() const;
  void DeleteDeferred();
  void CloseUv();

  // First, and so destroyed last: the members below may refer to them.
  io::MemoryLedger memory_;
  uv_loop_t uv_{};
  UvHandle<uv_async_t> wake_;
  std::unique_ptr<Poller> poller_;

  Clock clock_;
  KeepAlive keep_alive_;
  SystemEntropy entropy_;
  std::unique_ptr<ReadBuffer> read_buffer_;
  io::LaterList later_;
  io::LaterList leftovers_;
  std::vector<std::unique_ptr<io::Deletable>> deferred_;
  std::unique_ptr<Network> network_;
  const std::uint64_t slice_ns_;
  bool uv_changed_ = true;                 // libuv must run to watch new handles
  bool stopped_ = false;                   // this turn is the last one
  bool sockets_left_ = false;              // ready sockets were left over from their slice
  std::deque<Task> tasks_;                 // moved from posted_
  std::optional<std::size_t> stop_after_;  // number of tasks_ to run before stopping
  const std::function<bool()>* done_ = nullptr;

  std::atomic<std::uint64_t> turns_ = 0;
  std::uint64_t polled_ms_ = 0;  // libuv's time when it last woke up
  std::atomic<std::uint64_t> long_turns_ = 0;
  std::atomic<std::uint64_t> long_turn_ms_ = 0;
  BusyMeter busy_;
  std::atomic<bool> stopping_ = false;
  std::mutex posted_mutex_;
  std::vector<Task> posted_;
};

}  // namespace upgate::net
