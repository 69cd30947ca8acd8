#pragma once

#include <string_view>

#include "gateway/backend/pool.h"
#include "gateway/base/log.h"

namespace upgate::backend {

// Logs a line when a server becomes unreachable, and one when it is reachable again: one line per
// change, regardless of the number of clients affected; the same for ejections. One object for all
// loops; thread-safe.
class ServerLog final : public ServerWatcher {
 public:
  // `log` is borrowed.
  explicit ServerLog(Log& log) : log_(log) {}

  void OnServerUp(ServerRecord& server) override;
  void OnServerDown(ServerRecord& server, const Error& why) override;
  void OnServerEjected(ServerRecord& server, io::Millis time, std::string_view why) override;
  void OnServerBack(ServerRecord& server) override;

 private:
  Log& log_;
};

}  // namespace upgate::backend
