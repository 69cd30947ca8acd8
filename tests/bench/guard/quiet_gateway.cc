#include "tests/bench/guard/quiet_gateway.h"

#include <utility>

#include "gateway/app/options.h"
#include "gateway/config/parse.h"
#include "plugins/builtins.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

std::shared_ptr<const config::Config> MustParse(std::string_view yaml) {
  const std::string text = "listeners: [{address: \"127.0.0.1:80\"}]\n" + std::string(yaml);
  auto config =
      config::Parse(text, "guard.yaml", [](const char*) -> const char* { return nullptr; });
  if (!config) Die(config::ToString("guard.yaml", config.error().front()));
  return *std::move(config);
}

app::Runtime MustPrepare(std::string_view yaml, plugin::Registry& plugins) {
  plugins::RegisterBuiltins(plugins);
  auto runtime = app::Prepare(MustParse(yaml), plugins);
  if (!runtime) Die(config::ToString("guard.yaml", runtime.error().front()));
  return *std::move(runtime);
}

}  // namespace

QuietGateway::QuietGateway(World& world, std::string_view yaml)
    : world_(world), runtime_(MustPrepare(yaml, plugins_)) {
  const config::Config& config = *runtime_.config;
  stats_ = std::make_unique<stats::Registry>(app::NamesOf(config), 1);
  counts_ = std::make_unique<session::SharedCounts>(config);
  server_log_ = std::make_unique<session::ServerLog>(config, log_);
  shared_ = std::make_unique<session::Shared>(
      runtime_.config, *runtime_.router, runtime_.services, stats_source_, runtime_.client_tls,
      *counts_, *server_log_, memory_, log_,
      [](std::size_t, std::move_only_function<void(session::Gateway&)>) {});
  options_ = app::HttpOptions(config);
  places_.emplace_back("127.0.0.1:80",
                       session::ClientPlaces::Limits{.descriptors = &counts_->descriptors,
                                                     .process_limit = &counts_->process_limit},
                       stats_->loop(0).listener[0], log_);
  gateway_ = std::make_unique<session::Gateway>(*shared_, world_.io(), scratch_, places_,
                                                stats_->loop(0), std::size_t{0}, std::size_t{1});
  front_ = std::make_unique<session::Front>(world_.io(), options_, runtime_.server_tls[0].get(),
                                            scratch_, gateway_->ForListener(0), places_[0]);
  if (!front_->Listen(IpPort{*Ip::Parse("127.0.0.1"), 80}, {})) Die("cannot listen");
}

QuietGateway::~QuietGateway() {
  front_->Abandon();
  gateway_->Abandon();
  world_.Settle();
}

}  // namespace upgate::bench
