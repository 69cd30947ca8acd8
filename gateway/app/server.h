#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/admin/access.h"
#include "gateway/admin/admin.h"
#include "gateway/app/certificate_watch.h"
#include "gateway/app/file_watch.h"
#include "gateway/app/inherited_sockets.h"
#include "gateway/app/notify.h"
#include "gateway/app/prepare.h"
#include "gateway/app/reloader.h"
#include "gateway/app/stop_report.h"
#include "gateway/app/worker.h"
#include "gateway/backend/server_log.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/upgrade/gateway.h"

namespace upgate::app {

// A whole gateway: its sockets are open once it is made, and it serves between Run and Stop.
class Server final : private admin::Control, private Reloader::Owner, private io::Timer::Owner {
 public:
  // Reads the certificates and opens every socket. Every error at once, with its place in the
  // configuration. `plugins` and `log` are borrowed and outlive the server.
  static std::expected<std::unique_ptr<Server>, std::vector<config::ConfigError>> Open(
      std::shared_ptr<const config::Config> config, const plugin::Registry& plugins, Log& log);
  ~Server();

  // Serves until Stop, or until SIGTERM or SIGINT: then, after shutdown.delay, takes no new
  // clients, closes sessions, and returns when all are gone or shutdown.timeout is over. Another
  // signal, a second or more later, ends it at once. The admin address answers to the end.
  void Run();
  // As a signal does. Thread-safe.
  void Stop();
  // After Run: whether names are still being looked up. The destructor waits for them, which may
  // take as long as the system's resolver is patient.
  bool HasLookups() const;

  // Where clients can connect, by listener; with the ports that the system chose. The admin address
  // is last, where there is one.
  const std::vector<std::vector<SocketAddress>>& addresses() const { return addresses_; }

 private:
  struct Stats;
  class Upkeep;

  Server(std::shared_ptr<const config::Config> config, const plugin::Registry& plugins, Log& log);
  void Listen(std::vector<config::ConfigError>& errors);
  Result<SocketAddress> ListenEverywhere(std::size_t listener, const SocketAddress& address);
  std::optional<std::string> ShareOutFiles();
  void ShowRows();
  upgrade::PostToLoop PostToLoop();
  void Reload(const std::string& caller,
              std::function<void(const admin::ReloadResult&)> done) override;
  std::string ConfigText() const override;
  void SetLogLevel(const std::string& caller, LogLevel level, std::string_view name) override;
  void ReloadAndNotify(const std::string& caller);
  void WatchConfig();
  void OnSwitch(const std::shared_ptr<const upgrade::Generation>& generation) override;
  void OnSwitched(const admin::ReloadResult& result) override;
  void BeginStop();
  void DrainWorkers();
  void OnTimer(io::Timer&) override { DrainWorkers(); }
  void OnWorkerDrained();
  // The first worker's loop, on the main thread: signals and upkeep live there, too. A gateway of
  // one worker has then one thread with its file table (that of the log has its own), for which the
  // system finds descriptors without counting who else uses them.
  net::Loop& main_loop() { return workers_.front()->loop(); }

  std::shared_ptr<const config::Config> config_;  // that it started with
  const plugin::Registry& plugins_;
  Log& log_;
  const InheritedSockets inherited_;
  Notifier service_manager_;
  io::MemoryTotal memory_;
  std::unique_ptr<Stats> stats_;
  std::unique_ptr<upgrade::SharedCounts> counts_;
  std::unique_ptr<backend::ServerLog> server_log_;
  std::unique_ptr<upgrade::Shared> shared_;
  std::unique_ptr<admin::Operations> operations_;
  std::unique_ptr<admin::Admin> admin_;
  std::unique_ptr<admin::Access> admin_access_;
  std::shared_ptr<const upgrade::Generation> generation_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<const Loops> loops_;  // first to go
  std::vector<std::vector<SocketAddress>> addresses_;
  std::unique_ptr<Reloader> reloader_;     // main loop only, while it runs
  std::unique_ptr<io::Timer> stop_delay_;  // as above
  // The same, and in this order.
  std::unique_ptr<BackgroundThread> background_;
  std::unique_ptr<CertificateWatch> certificate_watch_;
  std::unique_ptr<FileWatch> config_watch_;  // nullptr: off
  FileStates config_seen_;                   // before it was last read
  std::unique_ptr<StopReport> stop_report_;  // main loop only, while it runs
  std::size_t undrained_ = 0;                // workers; main loop only
  std::chrono::steady_clock::time_point stop_began_{};
  std::atomic<bool> stopping_ = false;
};

// Opens every socket that the configuration asks for and closes it again: what `upgate check` does
// beyond reading. Listeners with an error in `known` are left out, and an address that another
// upgate has is good: the one that is to be replaced.
std::vector<config::ConfigError> CheckListening(const config::Config& config,
                                                const std::vector<config::ConfigError>& known);

}  // namespace upgate::app
