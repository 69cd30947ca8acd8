#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/app/runtime.h"
#include "gateway/base/log.h"
#include "gateway/session/front.h"
#include "gateway/session/gateway.h"
#include "tests/bench/guard/world.h"

namespace upgate::bench {

// The whole gateway but its sockets, on one loop, as a configuration describes it; without logs.
class QuietGateway {
 public:
  QuietGateway(World& world, std::string_view yaml);
  ~QuietGateway();

  const route::Router& router() const { return *runtime_.router; }

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
  app::Runtime runtime_;
  std::unique_ptr<stats::Registry> stats_;
  io::MemoryTotal memory_;
  std::unique_ptr<session::SharedCounts> counts_;
  std::unique_ptr<session::ServerLog> server_log_;
  std::unique_ptr<session::Shared> shared_;
  http::ServerOptions options_;
  tls::Scratch scratch_;
  std::deque<session::ClientPlaces> places_;
  std::unique_ptr<session::Gateway> gateway_;
  std::unique_ptr<session::Front> front_;
};

}  // namespace upgate::bench
