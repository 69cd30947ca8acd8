#include "gateway/app/server.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "gateway/admin/token_file.h"
#include "gateway/app/file_limit.h"
#include "gateway/app/listen_address.h"
#include "gateway/app/listen_error.h"
#include "gateway/app/memory_limit.h"
#include "gateway/app/running_gateway.h"
#include "gateway/app/version.h"
#include "gateway/config/write_config.h"
#include "gateway/net/signal_watcher.h"
#include "gateway/stats/shared_text.h"

namespace upgate::app {
namespace {

// Descriptors for one loop, name lookups and some to spare.
constexpr std::uint64_t kFilesOfCheck = 16;

std::size_t WorkersOf(const config::Config& config) {
  if (config.workers != 0) return config.workers;
  return std::max(1u, std::thread::hardware_concurrency());
}

std::unexpected<std::vector<config::ConfigError>> Lack(std::string message) {
  return std::unexpected(std::vector{config::ConfigError{{}, "", std::move(message)}});
}

admin::Policy PolicyOf(const upgrade::Generation& generation) {
  if (!generation.admin) return {};
  return {generation.admin->tokens, generation.admin->config->hosts};
}

void WarnOfExposedTokens(const upgrade::Generation& generation, Log& log) {
  if (!generation.admin || !generation.admin->config->token_file) return;
  if (const auto warning = config::ExposedFile(*generation.admin->config->token_file))
    log.Warn("token file exposed", {{"why", warning->message}});
}

class NullAcceptor final : public io::AcceptHandler {
 public:
  void OnAccept(std::unique_ptr<io::ByteStream>) override {}
};

}  // namespace

struct Server::Stats final : plugin::StatsSource {
  explicit Stats(std::size_t loops) : registry(BuildInfo(), loops) {}
  Text StatsJson() const override { return json.Get(); }
  Text StatsPrometheus() const override { return prometheus.Get(); }
  stats::Registry registry;
  mutable stats::SharedText json{[this] { return registry.Json(); }};
  mutable stats::SharedText prometheus{[this] { return registry.Prometheus(); }};
};

// Rotates the TLS ticket keys every hour, so that a leaked key exposes at most two hours of
// resumable sessions.
class Server::Upkeep final : private io::Timer::Owner {
 public:
  Upkeep(io::Timers& timers, const Server& server) : server_(server), timer_(timers, *this) {
    timer_.Arm(kInterval);
  }

 private:
  static constexpr io::Millis kInterval = std::chrono::hours(1);
  void OnTimer(io::Timer&) override {
    for (const auto& listener : server_.generation_->listeners) {
      if (listener->tls) listener->tls->Get()->RotateTicketKeys();
    }
    const auto& admin = server_.generation_->admin;
    if (admin && admin->tls) admin->tls->Get()->RotateTicketKeys();
    timer_.Arm(kInterval);
  }
  const Server& server_;
  io::Timer timer_;
};

Server::Server(std::shared_ptr<const config::Config> config, const plugin::Registry& plugins,
               Log& log)
    : config_(std::move(config)),
      plugins_(plugins),
      log_(log),
      inherited_(InheritedSockets::FromEnvironment(log)),
      service_manager_(std::getenv("NOTIFY_SOCKET"), log),
      memory_(BytesOf(config_->memory, AvailableMemory())),
      stats_(std::make_unique<Stats>(WorkersOf(*config_))),
      config_seen_{LookAt(config_->file)} {}

Server::~Server() = default;

void Server::ShowGeneration() {
  ShowServers(*generation_);
  stats_->registry.SetGeneration(generation_->number);
}

std::string Server::WhyNotReady() const {
  if (stopping_.load()) return "shutting down";
  const OverloadSet overload = counts_->overload.Total();
  return overload.empty() ? "" : "overloaded: " + overload.ToString();
}

// ---- reloading

void Server::Reload(const std::string& caller,
                    std::function<void(const admin::ReloadResult&)> done) {
  config_seen_ = {LookAt(config_->file)};
  if (config_watch_) config_watch_->MarkAsSeen(config_seen_);
  reloader_->Request(caller, std::move(done));
}

std::string Server::ConfigText() const {
  return config::WriteConfig(*generation_->config);
}

void Server::SetLogLevel(const std::string& caller, LogLevel level, std::string_view name) {
  // Logged under the old or the new level, whichever lets the line through.
  const bool told = log_.Enabled(LogLevel::kInfo);
  if (told) log_.Info("log level set", {{"to", name}, {"by", caller}});
  log_.SetLevel(level);
  if (!told) log_.Info("log level set", {{"to", name}, {"by", caller}});
}

void Server::ReloadAndNotify(const std::string& caller) {
  service_manager_.Reloading("reading the configuration");
  Reload(caller, [this](const admin::ReloadResult& result) {
    service_manager_.Ready(result.ok ? "serving" : "serving; the last reload was refused");
  });
}

void Server::OnSwitch(const std::shared_ptr<const upgrade::Generation>& generation) {
  generation_ = generation;
  const config::Config& config = *generation_->config;
  log_.SetLevel(config.log.level);
  const std::uint64_t available = AvailableMemory();
  memory_.SetLimit(BytesOf(config.memory, available));
  SetOverloadLimits(config, available);
  admin_access_->Set(PolicyOf(*generation_));
  WarnOfExposedTokens(*generation_, log_);
}

void Server::OnSwitched(const admin::ReloadResult& result) {
  stats_->registry.CountReload(result.ok);
  if (!result.ok) return;
  OnNamesTaken();
  WatchConfig();
}

void Server::OnNamesTaken() {
  ShowGeneration();
  certificate_watch_->Watch(*generation_);
  health_checks_->Watch(generation_->backends);
  name_watch_->Watch(*generation_);
}

void Server::OnServerDown(const backend::BackendRecord& backend,
                          const std::shared_ptr<backend::ServerRecord>& server) {
  if (backend.config->on_down != config::OnDown::kClose) return;
  for (auto& worker : workers_)
    worker->Post([server](upgrade::Gateway& gateway) { gateway.CloseSessionsOf(server); });
}

void Server::WatchOverload() {
  overload_watch_ = std::make_unique<OverloadWatch>(
      main_loop().timers(), log_, counts_->overload,
      [this](OverloadWatch::Sample& now) {
        now.resident = ResidentMemory();
        now.descriptors_taken = counts_->descriptors.taken();
        now.descriptors = counts_->descriptors.most();
        now.loops.clear();
        for (const auto& worker : workers_)
          now.loops.push_back({worker->loop().turns(), worker->loop().long_turns()});
      },
      [this](std::size_t loop) { workers_[loop]->loop().Post([] {}); });
  SetOverloadLimits(*generation_->config, AvailableMemory());
}

void Server::SetOverloadLimits(const config::Config& config, std::uint64_t available) {
  if (overload_watch_) overload_watch_->SetMemoryLimit(BytesOf(config.overload.memory, available));
  for (const auto& worker : workers_) worker->loop().SetLongTurn(config.overload.loop_lag);
}

void Server::WatchConfig() {
  const config::Config& config = *generation_->config;
  config_watch_.reset();
  if (stopping_ || config.watch_config == io::Millis{0}) return;
  config_watch_ = std::make_unique<FileWatch>(
      main_loop().timers(), config.watch_config, std::vector{config.file},
      [this] { ReloadAndNotify("watch_config"); }, config_seen_);
}

std::expected<std::unique_ptr<Server>, std::vector<config::ConfigError>> Server::Open(
    std::shared_ptr<const config::Config> config, const plugin::Registry& plugins, Log& log) {
  // Checked before the first loop is created, which would abort on failure.
  if (auto lack = LackOfFiles(FilesToStart(*config, WorkersOf(*config)))) return Lack(*lack);
  std::unique_ptr<Server> server(new Server(std::move(config), plugins, log));
  const std::size_t workers = WorkersOf(*server->config_);
  server->loops_ = std::make_shared<const Loops>(server->PostToLoop(), workers);
  const Serving serving{
      server->stats_->registry, server->loops_, nullptr,
      std::make_shared<const backend::ServersOfNames>(LookUpAll(*server->config_, {}))};
  auto generation = Prepare(server->config_, plugins, &serving);
  if (!generation) return std::unexpected(std::move(generation.error()));
  server->generation_ = std::move(*generation);
  server->stats_->registry.SetOrder(RowsOf(*server->generation_));
  server->ShowGeneration();
  server->counts_ = std::make_unique<upgrade::SharedCounts>();
  server->server_log_ = std::make_unique<backend::ServerLog>(log);
  server->shared_ =
      std::make_unique<upgrade::Shared>(*server->stats_, *server->counts_, *server->server_log_,
                                        server->memory_, log, server->PostToLoop());
  admin::Control& control = *server;
  server->admin_ = std::make_unique<admin::Admin>(
      *server->stats_, [s = server.get()] { return s->WhyNotReady(); }, control);
  server->operations_ = std::make_unique<admin::Operations>(
      admin::Operations::Setup{.post = server->PostToLoop(),
                               .loops = workers,
                               .generation = [s = server.get()] { return s->generation_; },
                               .log = log});
  server->admin_->SetOperations(*server->operations_);
  server->stats_->registry.WatchMemory(server->memory_);
  server->stats_->registry.WatchOverload(server->counts_->overload);
  server->stats_->registry.WatchLog([&log] { return log.lines_lost(); });
  for (std::size_t i = 0; i < workers; ++i) {
    server->workers_.push_back(std::make_unique<Worker>(
        server->generation_, *server->shared_, server->stats_->registry.loop(i), i, workers));
    net::Loop& loop = server->workers_.back()->loop();
    server->stats_->registry.WatchLoop(
        i, [&loop] { return stats::LoopTimes{loop.turns(), loop.busy_us()}; });
  }
  server->admin_access_ = std::make_unique<admin::Access>(
      *server->admin_, PolicyOf(*server->generation_), server->main_loop().timers(), log);
  std::vector<config::ConfigError> errors;
  server->Listen(errors);
  if (!errors.empty()) {
    config::SortByPlace(errors);
    return std::unexpected(std::move(errors));
  }
  server->inherited_.WarnOfUnused(server->addresses_, log);
  if (auto lack = server->ShareOutFiles()) return Lack(*lack);
  return server;
}

// Divides the remaining descriptors between clients and idle connections to servers.
std::optional<std::string> Server::ShareOutFiles() {
  const std::uint64_t limit = FileLimit();
  const auto shares = ShareFiles(limit, OpenFiles(), IdleServersWanted(*config_, workers_.size()));
  if (!shares) return LackOfFiles(ReservedFiles(0) + http::ClientPlaces::kOfClient);
  counts_->descriptors.SetMost(shares->clients);
  counts_->idle_servers.SetMost(shares->idle_servers);
  counts_->process_limit = limit;
  log_.Debug(
      "file descriptors",
      {{"limit", limit}, {"clients", shares->clients}, {"idle_servers", shares->idle_servers}});
  return {};
}

upgrade::PostToLoop Server::PostToLoop() {
  return [this](std::size_t loop, std::move_only_function<void(upgrade::Gateway&)> task) {
    // No loop has anything to be told before the workers exist.
    if (loop < workers_.size()) workers_[loop]->Post(std::move(task));
  };
}

// Every loop has its own socket on a TCP address (SO_REUSEPORT), so that the kernel distributes the
// clients. A unix socket belongs to one loop. With a single loop, the address is not shared. An
// inherited socket is shared by all loops.
Result<SocketAddress> Server::ListenEverywhere(std::size_t listener, const SocketAddress& address) {
  auto inherited = inherited_.Take(address);
  if (!inherited) return std::unexpected(inherited.error());
  if (*inherited) {
    for (std::size_t i = 1; i < workers_.size(); ++i) {
      auto another = inherited_.Take(address);
      if (!another) return std::unexpected(another.error());
      if (auto bound = workers_[i]->Listen(listener, std::move(*another)); !bound) return bound;
    }
    return workers_.front()->Listen(listener, std::move(*inherited));
  }
  const auto sharing = workers_.size() > 1 ? io::Sharing::kFirst : io::Sharing::kAlone;
  auto bound = workers_.front()->Listen(listener, address, sharing);
  if (!bound || std::holds_alternative<UnixPath>(address)) return bound;
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    auto next = workers_[i]->Listen(listener, *bound, io::Sharing::kJoin);
    if (!next) return next;
  }
  return bound;
}

void Server::Listen(std::vector<config::ConfigError>& errors) {
  const auto listen = [&](const config::ListenAddress& configured, auto&& open) {
    addresses_.emplace_back();
    const auto resolved = ResolveListenAddress(configured);
    if (!resolved) return errors.push_back(ListenError(configured, resolved.error()));
    for (const SocketAddress& address : *resolved) {
      auto bound = open(address);
      if (!bound) return errors.push_back(ListenError(configured, bound.error()));
      addresses_.back().push_back(*bound);
    }
  };
  for (std::size_t i = 0; i < config_->listeners.size(); ++i) {
    listen(config_->listeners[i].address,
           [&](const SocketAddress& address) { return ListenEverywhere(i, address); });
  }
  if (config_->admin) {
    listen(config_->admin->address, [&](const SocketAddress& address) {
      return workers_.front()->ListenAdmin(address, *admin_access_);
    });
  }
}

void Server::Run() {
  const net::SignalWatcher signals(main_loop(), {SIGTERM, SIGINT, SIGHUP}, [this](int signal) {
    signal == SIGHUP ? ReloadAndNotify("SIGHUP") : BeginStop();
  });
  const Upkeep upkeep(main_loop().timers(), *this);
  BeginWatches();
  LogListening();
  WarnOfExposedTokens(*generation_, log_);
  undrained_ = workers_.size();
  for (auto& worker : workers_) {
    worker->OnDrained([this] { main_loop().Post([this] { OnWorkerDrained(); }); });
  }
  for (std::size_t i = 1; i < workers_.size(); ++i) workers_[i]->Start();
  log_.Info("serving", {{"workers", std::uint64_t{workers_.size()}},
                        {"routes", std::uint64_t{config_->routes.size()}},
                        {"memory", memory_.limit()}});
  service_manager_.Ready("serving");
  workers_.front()->Run();
  // Joined first: other workers may still be about to notify the reloader.
  for (auto& worker : workers_) worker->Join();
  EndWatches();
  log_.Info("stopped");
}

// Starts what runs beside the workers while they serve.
void Server::BeginWatches() {
  io::Timers& timers = main_loop().timers();
  Reloader::Owner& owner = *this;
  reloader_ = std::make_unique<Reloader>(
      Reloader::Setup{generation_->config->file, plugins_, stats_->registry, loops_, workers_,
                      inherited_, main_loop(), log_},
      generation_, owner);
  io::Timer::Owner& timer_owner = *this;
  stop_delay_ = std::make_unique<io::Timer>(timers, timer_owner);
  background_ = std::make_unique<BackgroundThread>(main_loop());
  certificate_watch_ =
      std::make_unique<CertificateWatch>(timers, *background_, stats_->registry, log_);
  certificate_watch_->Watch(*generation_);
  backend::HealthChecks::Owner& health_owner = *this;
  health_checks_ = std::make_unique<backend::HealthChecks>(
      backend::HealthChecks::Setup{main_loop().view(), workers_.front()->scratch(), log_,
                                   "upgate/" + VersionNumber()},
      health_owner);
  health_checks_->Watch(generation_->backends);
  lookups_ = std::make_unique<BackgroundThread>(main_loop());
  name_watch_ = std::make_unique<NameWatch>(
      timers, *lookups_, log_,
      [config = config_](const auto& names) { return LookUp(names, *config); },
      [this](backend::ServersOfNames names) { reloader_->TakeNames(std::move(names)); });
  name_watch_->Watch(*generation_);
  WatchConfig();
  WatchOverload();
  stop_report_ = std::make_unique<StopReport>(timers, stats_->registry, log_);
}

void Server::EndWatches() {
  overload_watch_.reset();
  config_watch_.reset();
  name_watch_.reset();
  lookups_.reset();
  health_checks_.reset();
  certificate_watch_.reset();
  background_.reset();
  reloader_.reset();
  stop_delay_.reset();
  stop_report_.reset();
}

void Server::LogListening() {
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    const bool admin = i == config_->listeners.size();
    const bool tls = (admin ? config_->admin->tls : config_->listeners[i].tls).has_value();
    for (const SocketAddress& address : addresses_[i]) {
      log_.Info(
          "listening",
          {{"address", ToString(address)}, {"tls", tls}, {"purpose", admin ? "admin" : "clients"}});
    }
  }
}

void Server::OnWorkerDrained() {
  if (--undrained_ > 0) return;
  for (auto& worker : workers_) worker->Finish();
}

void Server::Stop() {
  main_loop().Post([this] { BeginStop(); });
}

void Server::BeginStop() {
  // One request to stop may arrive as several signals, to the process and to its group. The steady
  // clock is used, because the loop's time does not advance during a long turn.
  constexpr std::chrono::seconds kOneStop{1};
  const auto now = std::chrono::steady_clock::now();
  const bool again = stopping_.exchange(true);
  if (again && now - stop_began_ < kOneStop) return;
  stop_began_ = now;
  log_.Info(again ? "stopping at once" : "stopping");
  stop_report_->Begin();
  reloader_->Stop();
  config_watch_.reset();
  name_watch_.reset();
  const config::Shutdown& shutdown = generation_->config->shutdown;
  if (again) {
    // One of them may have been called before; the second call then has no effect.
    DrainWorkers();
    return DrainWorkers();
  }
  service_manager_.Stopping("closing sessions");
  if (shutdown.delay.count() == 0) return DrainWorkers();
  log_.Info("serving until the delay is over",
            {{"delay_s", static_cast<double>(shutdown.delay.count()) / 1000}});
  stop_delay_->Arm(shutdown.delay);
}

void Server::DrainWorkers() {
  const config::Shutdown& shutdown = generation_->config->shutdown;
  stop_delay_->Disarm();
  for (auto& worker : workers_) {
    worker->Drain({.code = shutdown.code,
                   .spread = shutdown.spread,
                   .timeout = shutdown.timeout - shutdown.delay});
  }
}

std::vector<config::ConfigError> CheckListening(const config::Config& config,
                                                const std::vector<config::ConfigError>& known) {
  std::vector<config::ConfigError> errors;
  if (auto lack = LackOfFiles(kFilesOfCheck + config.listeners.size())) {
    errors.push_back({{}, "", std::move(*lack)});
    return errors;
  }
  net::Loop loop;
  NullAcceptor acceptor;
  std::vector<std::unique_ptr<io::Listener>> open;
  const auto check = [&](const config::ListenAddress& configured) {
    const auto resolved = ResolveListenAddress(configured);
    if (!resolved) return errors.push_back(ListenError(configured, resolved.error()));
    for (const SocketAddress& address : *resolved) {
      auto listener = loop.view().network.Listen(address, {}, acceptor);
      if (!listener) {
        // A configuration is often checked while the gateway that it is for still runs.
        const bool in_use = listener.error().code == Errc::kAddressInUse;
        if (in_use && RunningGatewayListensAt(address)) continue;
        return errors.push_back(ListenError(configured, listener.error()));
      }
      open.push_back(std::move(*listener));
    }
  };
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    if (!HasErrorIn(known, fmt::format("listeners[{}]", i))) check(config.listeners[i].address);
  }
  if (config.admin && !HasErrorIn(known, "admin.address")) check(config.admin->address);
  config::SortByPlace(errors);
  return errors;
}

}  // namespace upgate::app
