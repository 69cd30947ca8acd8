#pragma once

#include <string>
#include <string_view>

#include "gateway/base/log.h"

namespace upgate::app {

// Notifies the service manager that started this process (systemd with Type=notify) with the
// datagrams of sd_notify(3). A missing manager or a failure only leads to a line in the debug log:
// it must not affect serving. A message waits at most 1 s for a manager that does not read. Not
// thread-safe.
class Notifier {
 public:
  // `socket` is the value of $NOTIFY_SOCKET: an absolute path, or "@name" for an abstract address.
  // Null or empty: no manager. `log` is borrowed.
  Notifier(const char* socket, Log& log);

  // The process serves. `status` is one line for people, without control characters (systemctl
  // status shows it).
  void Ready(std::string_view status) const { Send("READY=1", status); }
  // The process is reloading its configuration, and will be Ready again; for Type=notify-reload.
  void Reloading(std::string_view status) const;
  // The process is shutting down.
  void Stopping(std::string_view status) const { Send("STOPPING=1", status); }

 private:
  void Send(std::string_view state, std::string_view status) const;

  std::string socket_;  // empty: no manager
  Log& log_;
};

}  // namespace upgate::app
