#include "gateway/session/server_log.h"

namespace upgate::session {

ServerLog::ServerLog(const config::Config& config, Log& log)
    : config_(config), log_(log), down_(config.server_count) {}

void ServerLog::OnServerUp(const config::Server& server) {
  std::atomic<bool>& down = down_[server.index];
  if (!down.load(std::memory_order_relaxed) || !down.exchange(false)) return;
  log_.Info("server recovered", {{"backend", BackendOf(server)}, {"server", server.url}});
}

void ServerLog::OnServerDown(const config::Server& server, const Error& why) {
  if (down_[server.index].exchange(true)) return;
  log_.Warn("server failed",
            {{"backend", BackendOf(server)}, {"server", server.url}, {"why", why.message}});
}

const std::string& ServerLog::BackendOf(const config::Server& server) const {
  static const std::string kNone;
  for (const auto& [name, backend] : config_.backends) {
    for (const config::Server& one : backend.servers) {
      if (one.index == server.index) return name;
    }
  }
  return kNone;
}

}  // namespace upgate::session
