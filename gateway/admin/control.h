#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/config/error.h"

namespace upgate::admin {

// What one part of a configuration became by a reload.
struct Change {
  std::string what;  // route, backend, server, listener or certificate
  std::string name;
  std::string change;  // added, removed or changed
};

struct ReloadResult {
  bool ok = false;
  std::uint64_t generation = 0;             // number of the configuration that serves now
  std::vector<Change> changes;              // if it was taken
  std::vector<std::string> needs_restart;   // keys whose new values it takes a restart to apply
  std::string file;                         // of the configuration
  std::vector<config::ConfigError> errors;  // if it was not
};

// What the admin address can do beside telling numbers. On the thread of its listener's loop.
class Control {
 public:
  // Reads the configuration file again and serves by it, if all of it is right; else nothing
  // changes. Reloads come one after the other. `done` is called once, later; it may never be when
  // the gateway ends before. `caller` is for the log.
  virtual void Reload(const std::string& caller, std::function<void(const ReloadResult&)> done) = 0;

  // The running configuration as YAML, without secrets; see config::WriteConfig.
  virtual std::string ConfigText() const = 0;
  // Until the next reload. `caller` is for the log, as is the level's name.
  virtual void SetLogLevel(const std::string& caller, LogLevel level, std::string_view name) = 0;

 protected:
  ~Control() = default;
};

}  // namespace upgate::admin
