#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <uv.h>

#include "gateway/base/bytes.h"
#include "gateway/io/later.h"
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
// Sockets are watched by a poller of our own: libuv's watching costs four system calls more for
// each of them, and one for every change. libuv's loop runs inside of ours, whenever its own
// descriptor says so, for what it does best: waking up from other threads, signals, and looking up
// names. In a long turn it runs between two events, so that signals need not wait for the turn's
// end; what other threads have posted does.
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

  // Whether names are being looked up, which destroying the loop waits for. Outside of Run only.
  bool HasLookups() const;

  // For statistics, from any thread: the turns made, and the processor time spent in Run in
  // microseconds.
  std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
  std::uint64_t busy_us() const { return busy_.Micros(); }

  // For this folder only.
  uv_loop_t* uv() { return &uv_; }
  Poller& poller() { return poller_; }
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
    Clock() : start_(Read()), now_(start_) {}
    io::Instant Now() const override;
    std::uint64_t Micros() const override;
    std::int64_t UnixSeconds() const override;
    void Update() { now_ = Read(); }
    // Milliseconds; of a turn that of Update, as it is now by Read.
    std::int64_t updated() const { return now_; }
    static std::int64_t Read();
    // Outside of Run no turn takes the time, so that Now has to.
    void SetRunning(bool running);

   private:
    std::int64_t start_;
    std::int64_t now_;
    bool running_ = false;
  };

  // libuv's loop as seen from ours.
  class Uv final : public Poller::Client {
   public:
    explicit Uv(uv_loop_t& loop) : loop_(loop) {}
    void OnReady(std::uint32_t) override { uv_run(&loop_, UV_RUN_NOWAIT); }

   private:
    uv_loop_t& loop_;
  };

  void WatchUv();
  void RunTurn();
  // Between two events of a turn.
  void Breathe();
  // Milliseconds until there is something to do without an event; -1: never.
  int SleepTime();
  void OnWake();
  void DeleteDeferred();
  void CloseUv();

  // First, and so the last to go: all below may refer to them.
  uv_loop_t uv_{};
  UvHandle<uv_async_t> wake_;
  Poller poller_;
  Uv uv_client_;

  Clock clock_;
  SystemEntropy entropy_;
  std::unique_ptr<ReadBuffer> read_buffer_;
  io::LaterList later_;
  std::vector<std::unique_ptr<io::Deletable>> deferred_;
  std::unique_ptr<Network> network_;
  bool stopped_ = false;  // the end of the turn is that of Run
  std::uint32_t events_ = 0;
  std::int64_t looked_ = 0;  // when libuv's loop ran last in a turn, by the clock
  bool breathing_ = false;
  bool woken_ = false;  // while breathing

  std::atomic<std::uint64_t> turns_ = 0;
  BusyMeter busy_;
  std::atomic<bool> stopping_ = false;
  std::mutex posted_mutex_;
  std::vector<Task> posted_;
};

}  // namespace upgate::net
