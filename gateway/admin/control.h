#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/config/error.h"

namespace upgate::admin {

// One difference between the previous and the new configuration.
struct Change {
  std::string what;  // route, backend, server, listener or certificate
  std::string name;
  std::string change;  // added, removed or changed
};

struct ReloadResult {
  bool ok = false;
  std::uint64_t generation = 0;             // number of the generation that serves now
  std::vector<Change> changes;              // if `ok`
  std::vector<std::string> needs_restart;   // keys whose new values take effect after a restart
  std::string file;                         // of the configuration
  std::vector<config::ConfigError> errors;  // if not `ok`
};

// What the admin address can change in the process. On the thread of the loop of its listener.
class Control {
 public:
  // Reloads the configuration file; if it has any error, nothing changes. Reloads run one after the
  // other. `done` is called once, never from inside this call, and not at all if the gateway ends
  // before. `caller` is for the log.
  virtual void Reload(const std::string& caller, std::function<void(const ReloadResult&)> done) = 0;

  // The running configuration as YAML, without secrets; see config::WriteConfig.
  virtual std::string ConfigText() const = 0;
  // Until the next reload. `caller` is for the log, as is the level's name.
  virtual void SetLogLevel(const std::string& caller, LogLevel level, std::string_view name) = 0;

 protected:
  ~Control() = default;
};

}  // namespace upgate::admin
