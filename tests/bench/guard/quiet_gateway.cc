#include "tests/bench/guard/quiet_gateway.h"

#include <utility>

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

std::shared_ptr<const upgrade::Generation> MustPrepare(std::string_view yaml,
                                                       plugin::Registry& plugins,
                                                       stats::Registry& stats) {
  plugins::RegisterBuiltins(plugins);
  const app::Serving serving{stats, {}};
  auto generation = app::Prepare(MustParse(yaml), plugins, &serving);
  if (!generation) Die(config::ToString("guard.yaml", generation.error().front()));
  return *std::move(generation);
}

}  // namespace

QuietGateway::QuietGateway(World& world, std::string_view yaml)
    : world_(world),
      generation_(MustPrepare(yaml, plugins_, stats_)),
      shared_{stats_source_, counts_,
              server_log_,   memory_,
              log_,          [](std::size_t, std::move_only_function<void(upgrade::Gateway&)>) {}},
      gateway_(shared_, world_.io(), scratch_, stats_.loop(0), 0, 1),
      listeners_(gateway_, scratch_, places_, 0) {
  gateway_.Adopt(generation_);
  listeners_.Adopt(*generation_);
  if (!listeners_.Listen(0, IpPort{*Ip::Parse("127.0.0.1"), 80}, {})) Die("cannot listen");
}

QuietGateway::~QuietGateway() {
  listeners_.Abort();
  gateway_.Abort();
  world_.Settle();
}

}  // namespace upgate::bench
