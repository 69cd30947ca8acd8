#include "gateway/app/demo/websocket_server.h"

#include <utility>

#include "gateway/app/demo/live_service.h"
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

Result<std::shared_ptr<const upgrade::Generation>> PrepareLive(const Serving& serving) {
  plugin::Registry plugins;
  plugins.AddService("live", MakeDemoLive);
  auto config = config::Parse(kConfig, "", [](const char*) -> const char* { return nullptr; });
  if (!config) return Fail(Errc::kOther, config.error().front().message);
  auto generation = Prepare(std::move(*config), plugins, &serving);
  if (!generation) return Fail(Errc::kOther, generation.error().front().message);
  return std::move(*generation);
}

}  // namespace

struct DemoWebSocketServer::Stats final : plugin::StatsSource {
  Text StatsJson() const override { return std::make_shared<const std::string>(registry.Json()); }
  Text StatsPrometheus() const override {
    return std::make_shared<const std::string>(registry.Prometheus());
  }
  stats::Registry registry{BuildInfo(), 1};
};

// Silent: the log of the gateway in front is what the user should read.
DemoWebSocketServer::DemoWebSocketServer()
    : log_(MakeStderrLog(LogLevel::kOff, LogFormat::kText)) {}

Result<SocketAddress> DemoWebSocketServer::Start() {
  const upgrade::PostToLoop post = [this](std::size_t,
                                          std::move_only_function<void(upgrade::Gateway&)> task) {
    if (worker_) worker_->Post(std::move(task));
  };
  loops_ = std::make_shared<const Loops>(post, 1);
  stats_ = std::make_unique<Stats>();
  auto generation = PrepareLive({stats_->registry, loops_});
  if (!generation) return std::unexpected(generation.error());
  counts_ = std::make_unique<upgrade::SharedCounts>();
  server_log_ = std::make_unique<backend::ServerLog>(*log_);
  shared_ =
      std::make_unique<upgrade::Shared>(*stats_, *counts_, *server_log_, memory_, *log_, post);
  worker_ = std::make_unique<Worker>(std::move(*generation), *shared_, stats_->registry.loop(0),
                                     std::size_t{0}, std::size_t{1});
  auto address = worker_->Listen(0, IpPort{*Ip::Parse("127.0.0.1"), 0}, io::Sharing::kAlone);
  if (!address) return address;
  worker_->OnDrained([this] { worker_->Finish(); });
  worker_->Start();
  serving_ = true;
  return address;
}

DemoWebSocketServer::~DemoWebSocketServer() {
  if (!serving_) return;
  worker_->Drain({.code = 1001, .spread = io::Millis(0), .timeout = io::Millis(0)});
  worker_->Join();
}

}  // namespace upgate::app
