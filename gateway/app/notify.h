#pragma once

#include <string>
#include <string_view>

#include "gateway/base/log.h"

namespace upgate::app {

// Tells the service manager that started this process (systemd with Type=notify) how it is doing,
// in the datagrams of sd_notify(3). Where no manager listens, and where it can't be told, nothing
// happens but a line in the debug log: a gateway that serves is worth more than a manager that
// knows. Each message waits 1 s at the most for a manager that doesn't read. For one thread at a
// time.
class Notifier {
 public:
  // `socket` is the value of $NOTIFY_SOCKET: an absolute path, or "@name" for an abstract address.
  // Null or empty: no manager. `log` is borrowed.
  Notifier(const char* socket, Log& log);

  // The process serves. `status` is one line for people, without control characters (systemctl
  // status shows it).
  void Ready(std::string_view status) const { Send("READY=1", status); }
  // The process reads its configuration anew, and will be Ready again; for Type=notify-reload.
  void Reloading(std::string_view status) const;
  // The process takes no new work and will end by itself.
  void Stopping(std::string_view status) const { Send("STOPPING=1", status); }

 private:
  void Send(std::string_view state, std::string_view status) const;

  std::string socket_;  // empty: no manager
  Log& log_;
};

}  // namespace upgate::app
