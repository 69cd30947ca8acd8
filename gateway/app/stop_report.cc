#include "gateway/app/stop_report.h"

#include <string>

#include <fmt/format.h>

namespace upgate::app {

void StopReport::Begin() {
  if (!timer_.armed()) timer_.Arm(kInterval);
}

void StopReport::OnTimer(io::Timer&) {
  const stats::Registry::Open open = registry_.OpenNow();
  if (open.sessions == 0 && open.connections == 0) return;
  std::string routes;
  for (const auto& [name, sessions] : open.routes)
    routes += fmt::format("{}{}: {}", routes.empty() ? "" : ", ", name, sessions);
  log_.Info("still stopping", {{"sessions", open.sessions},
                               {"sessions_by_route", routes},
                               {"connections", open.connections}});
  timer_.Arm(kInterval);
}

}  // namespace upgate::app
