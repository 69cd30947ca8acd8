#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gateway/base/shared_limit.h"
#include "gateway/http/front.h"
#include "gateway/net/loop.h"
#include "gateway/session/memory_report.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/loop_listeners.h"

namespace upgate::app {

// Calls `step`; returns how long it took.
std::chrono::microseconds Timed(const std::function<void()>& step);

// One loop with its listeners and sessions. Runs on a thread of its own, or on the main thread,
// which creates, starts and joins all workers.
class Worker final : private io::Timer::Owner {
 public:
  // What is borrowed outlives the worker. `index` is this worker's, below `workers`.
  Worker(std::shared_ptr<const upgrade::Generation> generation, const upgrade::Shared& shared,
         stats::LoopStats& stats, std::size_t index, std::size_t workers);
  ~Worker();

  // Before Start or Run: opens one socket of a listener, by its index in the configuration, or of
  // the admin address.
  Result<SocketAddress> Listen(std::size_t listener, const SocketAddress& address,
                               io::Sharing sharing);
  Result<SocketAddress> Listen(std::size_t listener, std::unique_ptr<io::BoundSocket> socket);
  Result<SocketAddress> ListenAdmin(const SocketAddress& address, http::RequestHandler& admin);

  // Before Start or Run: sets a callback, called once on the loop's thread when no client is left
  // after Drain.
  void OnDrained(std::function<void()> drained) { drained_ = std::move(drained); }
  // Runs the loop on a thread of its own until Finish.
  void Start();
  // Runs the loop on this thread until Finish.
  void Run() { loop_.Run(); }
  // Graceful shutdown: accepts no more clients, closes sessions with `code`, spread over `spread`,
  // and aborts what is left after `timeout`. The admin address stays open. A second call aborts
  // everything at once. Thread-safe.
  struct Stop {
    std::uint16_t code;
    io::Millis spread;
    io::Millis timeout;
  };
  void Drain(const Stop& stop);
  // Ends the loop. Thread-safe.
  void Finish();
  // Waits for the thread of Start, if there is one.
  void Join();

  // Replaces the generation in two steps; all workers must have completed the first before any
  // begins the second. See upgrade::LoopRoutes. `sockets` are those of new listeners, by index in
  // the configuration. `done` is called on the loop's thread with the longest time for which the
  // step held up the loop, and `released` when the loop does not use the previous generation any
  // more, except where a session or a request still does. Thread-safe.
  using Sockets = std::vector<std::vector<std::unique_ptr<io::BoundSocket>>>;
  using Done = std::function<void(std::chrono::microseconds pause)>;
  void Prepare(std::shared_ptr<const upgrade::Generation> generation, Done done);
  void Switch(std::shared_ptr<const upgrade::Generation> generation, Sockets sockets, Done done,
              std::function<void()> released);

  // Runs `task` on the loop's thread, in order; discarded if the loop has ended. Thread-safe.
  void Post(std::move_only_function<void(upgrade::Gateway&)> task);

  net::Loop& loop() { return loop_; }
  tls::Scratch& scratch() { return scratch_; }

 private:
  void BeginDrain(const Stop& stop);
  void SwitchNow(std::shared_ptr<const upgrade::Generation> generation, Sockets sockets,
                 std::function<void()> released);
  void LookLater();
  void AbandonClients();
  void OnTimer(io::Timer&) override { AbandonClients(); }

  // Destroyed after the loop, whose last deferred deletions return places.
  upgrade::LoopListeners::Places places_;
  const std::size_t index_;
  SharedLimit admin_connections_;
  stats::ListenerStats admin_stats_;
  http::ClientPlaces admin_places_;
  net::Loop loop_;
  session::MemoryReport memory_report_;
  io::MemoryGuard memory_guard_;
  tls::Scratch scratch_;
  Log& log_;
  std::shared_ptr<const upgrade::Generation> generation_;
  upgrade::Gateway gateway_;
  upgrade::LoopListeners listeners_;
  std::unique_ptr<http::Front> admin_front_;
  io::Timer grace_;
  bool draining_ = false;
  bool gone_ = false;  // no client is left
  std::function<void()> drained_;
  std::thread thread_;
};

}  // namespace upgate::app
