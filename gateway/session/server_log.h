#pragma once

#include <atomic>
#include <deque>

#include "gateway/backend/pool.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"

namespace upgate::session {

// Writes a line when a server can no longer be connected to, and one when it can be again: one for
// each change, however many clients meet it. One for all loops; thread-safe.
class ServerLog final : public backend::ServerWatcher {
 public:
  // Both are borrowed.
  ServerLog(const config::Config& config, Log& log);

  void OnServerUp(const config::Server& server) override;
  void OnServerDown(const config::Server& server, const Error& why) override;

 private:
  const std::string& BackendOf(const config::Server& server) const;

  const config::Config& config_;
  Log& log_;
  std::deque<std::atomic<bool>> down_;  // by config::Server::index
};

}  // namespace upgate::session
