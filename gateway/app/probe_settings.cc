#include "gateway/app/probe_settings.h"

#include <fmt/format.h>

#include "gateway/app/version.h"

namespace upgate::app {

backend::ProbeSettings SettingsFor(const CommandUrl& url) {
  backend::ProbeSettings settings;
  // Without the query, which may hold a secret: the line ends in logs.
  settings.name = fmt::format("{}://{}{}", url.scheme, url.authority,
                              url.target.substr(0, url.target.find('?')));
  settings.server.scheme =
      url.is_secure() ? config::ServerScheme::kTls : config::ServerScheme::kTcp;
  settings.server.address = HostPort{url.host, url.port};
  settings.server.url = settings.name;
  settings.is_websocket = url.is_websocket();
  settings.authority = url.authority;
  settings.target = url.target;
  settings.user_agent = "upgate/" + VersionNumber();
  return settings;
}

}  // namespace upgate::app
