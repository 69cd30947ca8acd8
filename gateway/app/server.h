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
#include "gateway/app/name_watch.h"
#include "gateway/app/notify.h"
#include "gateway/app/overload_watch.h"
#include "gateway/app/prepare.h"
#include "gateway/app/reloader.h"
#include "gateway/app/stop_report.h"
#include "gateway/app/worker.h"
#include "gateway/backend/health_checks.h"
#include "gateway/backend/server_log.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/upgrade/gateway.h"

namespace upgate::app {

// A whole gateway. Its sockets are open from Open on; it serves while Run runs. Used on the main
// thread, unless noted.
class Server final : private admin::Control,
                     private Reloader::Owner,
                     private backend::HealthChecks::Owner,
                     private io::Timer::Owner {
 public:
  // Reads certificates and opens all sockets. On failure returns every error with its position in
  // the configuration. `plugins` and `log` are borrowed and outlive the server.
  static std::expected<std::unique_ptr<Server>, std::vector<config::ConfigError>> Open(
      std::shared_ptr<const config::Config> config, const plugin::Registry& plugins, Log& log);
  ~Server();

  // Serves until Stop, SIGTERM or SIGINT. Then, after shutdown.delay, it accepts no more clients,
  // closes sessions, and returns when all have ended or shutdown.timeout has passed. Another
  // signal, a second or more later, ends it at once. The admin address answers until the end.
  void Run();
  // Starts the shutdown, like a signal. Thread-safe.
  void Stop();
  // The addresses that clients can connect to, by listener, with the actual ports. The addresses of
  // the admin address come last, if there are any.
  const std::vector<std::vector<SocketAddress>>& addresses() const { return addresses_; }

 private:
  struct Stats;
  class Upkeep;

  Server(std::shared_ptr<const config::Config> config, const plugin::Registry& plugins, Log& log);
  void Listen(std::vector<config::ConfigError>& errors);
  Result<SocketAddress> ListenEverywhere(std::size_t listener, const SocketAddress& address);
  std::optional<std::string> ShareOutFiles();
  void ShowGeneration();
  std::string WhyNotReady() const;
  upgrade::PostToLoop PostToLoop();
  void Reload(const std::string& caller,
              std::function<void(const admin::ReloadResult&)> done) override;
  std::string ConfigText() const override;
  void SetLogLevel(const std::string& caller, LogLevel level, std::string_view name) override;
  void ReloadAndNotify(const std::string& caller);
  void BeginWatches();
  void EndWatches();
  void LogListening();
  void WatchConfig();
  void WatchOverload();
  // `available`: bytes of memory, see AvailableMemory.
  void SetOverloadLimits(const config::Config& config, std::uint64_t available);
  void OnSwitch(const std::shared_ptr<const upgrade::Generation>& generation) override;
  void OnSwitched(const admin::ReloadResult& result) override;
  void OnNamesTaken() override;
  void OnServerDown(const backend::BackendRecord& backend,
                    const std::shared_ptr<backend::ServerRecord>& server) override;
  void BeginStop();
  void DrainWorkers();
  void OnTimer(io::Timer&) override { DrainWorkers(); }
  void OnWorkerDrained();
  // The loop of the first worker runs on the main thread, and handles signals and maintenance, too.
  // So a gateway with one worker has only one thread that uses the file table (the log's writer has
  // a copy of its own), and the kernel can look up descriptors without reference counting.
  net::Loop& main_loop() { return workers_.front()->loop(); }

  std::shared_ptr<const config::Config> config_;  // what the process started with
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
  std::shared_ptr<const Loops> loops_;  // destroyed first
  std::vector<std::vector<SocketAddress>> addresses_;
  std::unique_ptr<Reloader> reloader_;  // this and those down to stop_report_ exist only during Run
  std::unique_ptr<io::Timer> stop_delay_;
  // In this order: the watches use the background thread.
  std::unique_ptr<BackgroundThread> background_;
  std::unique_ptr<CertificateWatch> certificate_watch_;
  std::unique_ptr<backend::HealthChecks> health_checks_;
  // A name server that does not answer must not delay other work.
  std::unique_ptr<BackgroundThread> lookups_;
  std::unique_ptr<NameWatch> name_watch_;
  std::unique_ptr<FileWatch> config_watch_;  // nullptr: not watched
  std::unique_ptr<OverloadWatch> overload_watch_;
  FileStates config_seen_;  // state of the file before it was last read
  std::unique_ptr<StopReport> stop_report_;
  std::size_t undrained_ = 0;  // workers that still have clients; main loop only
  std::chrono::steady_clock::time_point stop_began_{};
  std::atomic<bool> stopping_ = false;
};

// Opens every socket of the configuration and closes it again, for `upgate check`. Listeners with
// an error in `known` are skipped. An address in use by another upgate process is no error: that
// process is probably the one to be replaced.
std::vector<config::ConfigError> CheckListening(const config::Config& config,
                                                const std::vector<config::ConfigError>& known);

}  // namespace upgate::app
