#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/app/prepare.h"
#include "gateway/backend/server_log.h"
#include "gateway/base/log.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/loop_listeners.h"
#include "tests/bench/guard/world.h"

namespace upgate::bench {

// The whole gateway without its sockets, on one loop, for a given configuration; without logging.
class QuietGateway {
 public:
  QuietGateway(World& world, std::string_view yaml);
  ~QuietGateway();

  const route::Router& router() const { return *generation_->router; }

 private:
  struct NoLog final : Log {
    void Write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
    bool Enabled(LogLevel) const override { return false; }
  };
  struct NoStats final : plugin::StatsSource {
    Text StatsJson() const override { return std::make_shared<const std::string>(); }
    Text StatsPrometheus() const override { return std::make_shared<const std::string>(); }
  };

  World& world_;
  NoLog log_;
  NoStats stats_source_;
  plugin::Registry plugins_;
  stats::Registry stats_{app::BuildInfo(), 1};
  std::shared_ptr<const upgrade::Generation> generation_;
  io::MemoryTotal memory_;
  upgrade::SharedCounts counts_;
  backend::ServerLog server_log_{log_};
  upgrade::Shared shared_;
  tls::Scratch scratch_;
  upgrade::LoopListeners::Places places_;
  upgrade::Gateway gateway_;
  upgrade::LoopListeners listeners_;
};

}  // namespace upgate::bench
