#include "plugins/builtins.h"

#include "plugins/broadcast/broadcast.h"
#include "plugins/echo/echo.h"
#include "plugins/files/files.h"
#include "plugins/redirect/redirect.h"
#include "plugins/stats/stats.h"

namespace upgate::plugins {

void RegisterBuiltins(plugin::Registry& registry) {
  registry.AddService("broadcast", MakeBroadcast);
  registry.AddService("echo", MakeEcho);
  registry.AddService("files", MakeFiles);
  registry.AddService("redirect", MakeRedirect);
  registry.AddService("stats", MakeStats);
}

}  // namespace upgate::plugins
