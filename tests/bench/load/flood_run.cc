#include "tests/bench/load/flood_run.h"

#include "tests/bench/load/commands.h"
#include "tests/bench/wire/clock.h"

namespace upgate::bench {

FloodRun::FloodRun(Loop& loop, const Plan& plan)
    : loop_(loop),
      plan_(plan),
      rules_{.port = plan.target.port,
             .path = plan.target.path,
             .reads = !plan.unread,
             .resets = plan.resets},
      block_(plan.flood, plan.target.path),
      ramp_(plan.connections, [this](std::size_t index) {
        flooders_.push_back(std::make_unique<Flooder>(
            loop_, rules_, block_, totals_, plan_.SourceOf(index), [this] { ramp_.OnOpen(); }));
      }) {}

FloodRun::~FloodRun() = default;

nlohmann::json FloodRun::Run() {
  ramp_.Run(loop_);
  Commands::Say("open");
  for (const auto& flooder : flooders_) flooder->Begin();
  const Commands commands(loop_, [](std::string_view) {});
  const std::uint64_t began = Now();
  const std::uint64_t end = began + static_cast<std::uint64_t>(plan_.seconds * kSecond);
  while (Now() < end && totals_.gone < flooders_.size() && !commands.ended()) loop_.Turn(end);
  return {
      {"seconds", static_cast<double>(Now() - began) / kSecond},
      {"units", totals_.sent / block_.unit_size()},
      {"sent", totals_.sent},
      {"received", totals_.received},
      {"reconnects", totals_.reconnects},
      {"refused", totals_.refused},
  };
}

}  // namespace upgate::bench
