#include "gateway/backend/server_log.h"

namespace upgate::backend {

void ServerLog::OnServerUp(ServerRecord& server) {
  if (!server.failed.load(std::memory_order_relaxed) || !server.failed.exchange(false)) return;
  log_.Info("server recovered", {{"backend", server.backend}, {"server", server.url}});
}

void ServerLog::OnServerDown(ServerRecord& server, const Error& why) {
  if (server.failed.exchange(true)) return;
  log_.Warn("server failed",
            {{"backend", server.backend}, {"server", server.url}, {"why", why.message}});
}

}  // namespace upgate::backend
