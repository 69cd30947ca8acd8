#include "gateway/backend/server_log.h"

namespace upgate::backend {

void ServerLog::OnServerUp(ServerRecord& server) {
  if (!server.row->failed.load(std::memory_order_relaxed) || !server.row->failed.exchange(false))
    return;
  log_.Info("server recovered", {{"backend", server.backend}, {"server", server.url}});
}

void ServerLog::OnServerDown(ServerRecord& server, const Error& why) {
  if (server.row->failed.exchange(true)) return;
  log_.Warn("server failed",
            {{"backend", server.backend}, {"server", server.url}, {"why", why.message}});
}

void ServerLog::OnServerEjected(ServerRecord& server, io::Millis time, std::string_view why) {
  log_.Warn("server ejected", {{"backend", server.backend},
                               {"server", server.url},
                               {"for_s", static_cast<double>(time.count()) / 1000.0},
                               {"why", why}});
}

void ServerLog::OnServerBack(ServerRecord& server) {
  log_.Info("server back", {{"backend", server.backend}, {"server", server.url}});
}

}  // namespace upgate::backend
