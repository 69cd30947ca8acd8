#include "plugins/builtins.h"

#include "plugins/echo/echo.h"
#include "plugins/stats/stats.h"

namespace upgate::plugins {

void RegisterBuiltins(plugin::Registry& registry) {
  registry.AddService("echo", MakeEcho);
  registry.AddService("stats", MakeStats);
}

}  // namespace upgate::plugins
