#include "plugins/builtins.h"

#include "plugins/auth/basic.h"
#include "plugins/auth/client_certificate.h"
#include "plugins/auth/token.h"
#include "plugins/broadcast/broadcast.h"
#include "plugins/echo/echo.h"
#include "plugins/files/files.h"
#include "plugins/forward/forward.h"
#include "plugins/host_token/host_token.h"
#include "plugins/http/http.h"
#include "plugins/jwt/jwt.h"
#include "plugins/redirect/redirect.h"
#include "plugins/redis/redis.h"
#include "plugins/stats/stats.h"
#include "plugins/token_file/token_file.h"

namespace upgate::plugins {

void RegisterBuiltins(plugin::Registry& registry) {
  registry.AddService("broadcast", MakeBroadcast);
  registry.AddService("echo", MakeEcho);
  registry.AddService("files", MakeFiles);
  registry.AddService("redirect", MakeRedirect);
  registry.AddService("stats", MakeStats);
  registry.AddResolver("host_token", MakeHostToken);
  registry.AddResolver("http", MakeHttp);
  registry.AddResolver("redis", MakeRedis);
  registry.AddResolver("token_file", MakeTokenFile);
  registry.AddAuth("basic", MakeBasicAuth);
  registry.AddAuth("client_certificate", MakeClientCertificateAuth);
  registry.AddAuth("forward", MakeForwardAuth);
  registry.AddAuth("jwt", MakeJwtAuth);
  registry.AddAuth("token", MakeTokenAuth);
}

}  // namespace upgate::plugins
