#pragma once

#include "gateway/backend/pool.h"
#include "gateway/base/log.h"

namespace upgate::backend {

// Writes a line when a server can no longer be connected to, and one when it can be again: one for
// each change, however many clients meet it. One for all loops; thread-safe.
class ServerLog final : public ServerWatcher {
 public:
  // `log` is borrowed.
  explicit ServerLog(Log& log) : log_(log) {}

  void OnServerUp(ServerRecord& server) override;
  void OnServerDown(ServerRecord& server, const Error& why) override;

 private:
  Log& log_;
};

}  // namespace upgate::backend
