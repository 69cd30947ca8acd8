#include "gateway/app/probe_settings.h"

#include "gateway/app/version.h"

namespace upgate::app {

backend::ProbeSettings SettingsFor(const CommandUrl& url) {
  backend::ProbeSettings settings;
  settings.server = ServerOf(url);
  settings.name = settings.server.url;
  settings.is_websocket = url.is_websocket();
  settings.authority = url.authority;
  settings.target = url.target;
  settings.user_agent = "upgate/" + VersionNumber();
  return settings;
}

}  // namespace upgate::app
