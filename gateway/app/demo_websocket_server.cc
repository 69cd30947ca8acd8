#include "gateway/app/demo_websocket_server.h"

#include <utility>

#include "gateway/app/demo_live_service.h"
#include "gateway/app/options.h"
#include "gateway/config/parse.h"

namespace upgate::app {
namespace {

constexpr std::string_view kConfig = R"(
listeners: [ { address: "127.0.0.1:0" } ]
workers: 1
server_header: demo
routes:
  - { path: /live, plugin: live, subprotocols: [ echo.v2, echo.v1 ], cors: { allow_origins: [ "*" ] } }
)";

Result<Runtime> PrepareLive() {
  plugin::Registry plugins;
  plugins.AddService("live", MakeDemoLive);
  auto config = config::Parse(kConfig, "", [](const char*) -> const char* { return nullptr; });
  if (!config) return Fail(Errc::kOther, config.error().front().message);
  auto runtime = Prepare(std::move(*config), plugins);
  if (!runtime) return Fail(Errc::kOther, runtime.error().front().message);
  return std::move(*runtime);
}

}  // namespace

struct DemoWebSocketServer::Stats final : plugin::StatsSource {
  explicit Stats(stats::Names names) : registry(std::move(names), 1) {}
  Text StatsJson() const override { return std::make_shared<const std::string>(registry.Json()); }
  Text StatsPrometheus() const override {
    return std::make_shared<const std::string>(registry.Prometheus());
  }
  stats::Registry registry;
};

// What the demo's user should read is in the log of the gateway in front.
DemoWebSocketServer::DemoWebSocketServer()
    : log_(MakeStderrLog(LogLevel::kOff, LogFormat::kText)) {}

Result<SocketAddress> DemoWebSocketServer::Start() {
  auto runtime = PrepareLive();
  if (!runtime) return std::unexpected(runtime.error());
  runtime_ = std::move(*runtime);
  const config::Config& config = *runtime_.config;
  options_ = HttpOptions(config);
  stats_ = std::make_unique<Stats>(NamesOf(config));
  counts_ = std::make_unique<session::SharedCounts>(config);
  server_log_ = std::make_unique<session::ServerLog>(config, *log_);
  shared_ = std::make_unique<session::Shared>(
      runtime_.config, *runtime_.router, runtime_.services, *stats_, runtime_.client_tls, *counts_,
      *server_log_, memory_, *log_,
      [this](std::size_t, std::move_only_function<void(session::Gateway&)> task) {
        worker_->Post(std::move(task));
      });
  worker_ = std::make_unique<Worker>(runtime_, *shared_, options_, stats_->registry.loop(0), 0, 1);
  auto address = worker_->Listen(0, IpPort{*Ip::Parse("127.0.0.1"), 0}, io::Sharing::kAlone);
  if (!address) return address;
  worker_->OnDrained([this] { worker_->Finish(); });
  worker_->Start();
  serving_ = true;
  return address;
}

DemoWebSocketServer::~DemoWebSocketServer() {
  if (!serving_) return;
  worker_->Drain(io::Millis(0));
  worker_->Join();
}

}  // namespace upgate::app
