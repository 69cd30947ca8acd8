#pragma once

#include <cstddef>
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

// One loop with its listening sockets and its sessions, on a thread of its own or on the main
// thread, which makes, starts and joins it.
class Worker final : private io::Timer::Owner {
 public:
  // What is borrowed outlives the worker. `index` of `workers`.
  Worker(std::shared_ptr<const upgrade::Generation> generation, const upgrade::Shared& shared,
         stats::LoopStats& stats, std::size_t index, std::size_t workers);
  ~Worker();

  // Before Start: opens one socket of a listener, or of the admin address.
  Result<SocketAddress> Listen(std::size_t listener, const SocketAddress& address,
                               io::Sharing sharing);
  Result<SocketAddress> Listen(std::size_t listener, std::unique_ptr<io::BoundSocket> socket);
  Result<SocketAddress> ListenAdmin(const SocketAddress& address, http::RequestHandler& admin);

  // Before Start or Run. `drained` is called on the loop's thread once no client is left after
  // Drain.
  void OnDrained(std::function<void()> drained) { drained_ = std::move(drained); }
  // Runs the loop on a thread of its own until Finish.
  void Start();
  // Runs the loop on this thread until Finish.
  void Run() { loop_.Run(); }
  // Stops taking clients, closes sessions with `code` over `spread`, and lets go of what is left
  // after `timeout`; the admin address stays. Thread-safe; a second call lets go of everything at
  // once.
  struct Stop {
    std::uint16_t code;
    io::Millis spread;
    io::Millis timeout;
  };
  void Drain(const Stop& stop);
  // Ends the loop. Thread-safe.
  void Finish();
  // Waits for the thread of Start, where there is one.
  void Join();

  // A configuration takes the place of another in two steps, each of which all workers must have
  // done before the next: see upgrade::LoopRoutes. `sockets`, of new listeners, by their index in
  // the configuration. `done` is called on the loop's thread. Thread-safe.
  using Sockets = std::vector<std::vector<std::unique_ptr<io::BoundSocket>>>;
  void Prepare(std::shared_ptr<const upgrade::Generation> generation, std::function<void()> done);
  void Switch(std::shared_ptr<const upgrade::Generation> generation, Sockets sockets,
              std::function<void()> done);

  // Runs `task` on the loop's thread, in order; dropped when the loop has ended. Thread-safe.
  void Post(std::move_only_function<void(upgrade::Gateway&)> task);

  net::Loop& loop() { return loop_; }

 private:
  void BeginDrain(const Stop& stop);
  void SwitchNow(std::shared_ptr<const upgrade::Generation> generation, Sockets sockets);
  void LookLater();
  void AbandonClients();
  void OnTimer(io::Timer&) override { AbandonClients(); }

  // Before the loop, whose last deletions give places back.
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
