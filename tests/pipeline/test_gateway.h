#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/app/prepare.h"
#include "gateway/backend/server_log.h"
#include "gateway/session/memory_report.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/loop_listeners.h"
#include "plugins/builtins.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"
#include "tests/support/ws_client.h"

namespace upgate::test {

class TempFolder;

// The line `listeners` of a configuration, with TLS at 127.0.0.1:443. Writes its certificate, which
// is of gateway.test, to the folder.
std::string TlsListener(const TempFolder& folder);

// An in-memory WebSocket client of the gateway, with raw bytes or parsed responses and frames.
class GatewayClient {
 public:
  GatewayClient(FakeLoop& loop, const SocketAddress& to,
                const std::optional<SocketAddress>& from = {});

  void Send(std::string_view bytes);  // then runs until idle
  // Sends an upgrade request and returns the response head; what follows it stays for TakeFrames.
  ResponseHead Upgrade(std::string_view target, std::string_view extra = {});
  // The next response head; status 0 if there is none.
  ResponseHead Head();
  std::string Body(const ResponseHead& head);
  std::vector<ParsedFrame> Frames();
  // The code of the last Close; 0: none, 1005: a Close without a code.
  std::uint16_t ReceivedClose();

  // The raw bytes after the last head: for clients whose frames are not those of RFC 6455.
  std::string Rest() { return std::exchange(bytes_, {}); }

  TestPeer& peer() { return peer_; }

 private:
  FakeLoop& loop_;
  TestPeer peer_;
  std::string bytes_;
};

// The whole gateway without its sockets: configuration text in, bytes out, with simulated time. A
// configuration without listeners gets one at 127.0.0.1:80, without TLS. It is a test failure if
// anything is left when it is destroyed. `workers: N` creates N gateways in the same test loop,
// like the loops of one process; each has its own clients.
class TestGateway {
 public:
  // `share`: see io::Loop::share. `add_services`: the services that routes can use.
  explicit TestGateway(std::string_view yaml, MemoryNetwork::Options options = {},
                       std::size_t share = io::kShare,
                       void (*add_services)(plugin::Registry&) = plugins::RegisterBuiltins);
  ~TestGateway();

  // Reloads: replaces the configuration on all loops. Throws if it has an error.
  void Reload(std::string_view yaml);
  // The same configuration with other servers behind its names.
  void TakeNames(backend::ServersOfNames names);
  // Expires when nothing refers to that generation any more.
  std::weak_ptr<const upgrade::Generation> generation() const { return generation_; }
  std::shared_ptr<const upgrade::Generation> serving() const { return generation_; }
  // Posts to its loops.
  upgrade::PostToLoop post() {
    return [this](std::size_t to, std::move_only_function<void(upgrade::Gateway&)> task) {
      Post(to, std::move(task));
    };
  }
  std::size_t workers() const { return workers_.size(); }
  stats::Registry& stats() { return *stats_; }
  upgrade::LoopListeners& listeners(std::size_t index = 0) { return *workers_[index]->listeners; }

  GatewayClient Connect(std::size_t listener = 0, const std::optional<SocketAddress>& from = {});
  // Connects a client to one of the loops.
  GatewayClient ConnectToLoop(std::size_t index);

  FakeLoop& loop() { return loop_; }
  MemoryNetwork& network() { return loop_.network(); }
  CaptureLog& log() { return log_; }
  upgrade::SharedCounts& counts() { return *counts_; }
  upgrade::Gateway& gateway(std::size_t index = 0) { return *workers_[index]->gateway; }
  http::Front& front(std::size_t i = 0) { return workers_[0]->listeners->front(i); }
  // The limit of a listener, over all loops.
  SharedLimit& connections(std::size_t listener = 0) {
    return *generation_->listeners[listener]->connections;
  }
  int trims() const { return trims_; }
  io::MemoryTotal& memory() { return *memory_; }
  const io::MemoryGuard& memory_guard() const { return *memory_guard_; }
  std::uint64_t Refusals(io::MemoryRefusal refusal) {
    return loop_stats().memory.refusals[static_cast<std::size_t>(refusal)].Get();
  }
  stats::LoopStats& loop_stats(std::size_t i = 0) { return stats_->loop(i); }
  stats::RouteStats& route_stats(std::size_t i = 0) {
    return generation_->routes[i]->row->loops[0];
  }
  // By index in the order of the file.
  stats::ServerStats& server_stats(std::size_t i = 0);
  stats::ListenerStats& listener_stats(std::size_t i = 0) {
    return generation_->listeners[i]->row->loops[0];
  }
  std::uint64_t Handshakes(stats::HandshakeOutcome outcome, std::size_t route = 0) {
    return route_stats(route).handshakes[static_cast<std::size_t>(outcome)].Get();
  }

 private:
  struct Stats final : plugin::StatsSource {
    Text StatsJson() const override { return std::make_shared<const std::string>(stats->Json()); }
    Text StatsPrometheus() const override {
      return std::make_shared<const std::string>(stats->Prometheus());
    }
    const stats::Registry* stats = nullptr;
  };

  // The gateway of one loop, and the tasks that others post to it.
  struct Worker final : io::Later {
    void OnLater() override;
    upgrade::LoopListeners::Places places;  // outlive the loop's deferred deletions
    std::unique_ptr<upgrade::Gateway> gateway;
    std::unique_ptr<upgrade::LoopListeners> listeners;
    std::vector<SocketAddress> addresses;
    std::vector<std::move_only_function<void(upgrade::Gateway&)>> posted;
  };

  void Replace(const std::shared_ptr<const config::Config>& config,
               std::shared_ptr<const backend::ServersOfNames> names);
  void StartWorker(std::size_t index, std::size_t workers);
  // Opens the listeners that are not in `open`, by name.
  void Listen(std::size_t index, const std::vector<std::string>& open);
  std::vector<std::string> ListenerNames() const;
  void Post(std::size_t index, std::move_only_function<void(upgrade::Gateway&)> task);

  int trims_ = 0;
  std::unique_ptr<io::MemoryTotal> memory_;
  FakeLoop loop_;
  CaptureLog log_;
  Stats stats_source_;
  plugin::Registry plugins_;
  std::unique_ptr<stats::Registry> stats_;
  std::unique_ptr<upgrade::SharedCounts> counts_;
  std::unique_ptr<backend::ServerLog> server_log_;
  std::unique_ptr<upgrade::Shared> shared_;
  std::unique_ptr<session::MemoryReport> memory_report_;
  std::unique_ptr<io::MemoryGuard> memory_guard_;
  tls::Scratch scratch_;
  std::shared_ptr<const upgrade::Generation> generation_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<const app::Loops> loops_;  // destroyed first
};

}  // namespace upgate::test
