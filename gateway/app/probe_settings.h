#pragma once

#include "gateway/app/command_url.h"
#include "gateway/backend/probe.h"

namespace upgate::app {

// What a URL on the command line asks a probe to do.
backend::ProbeSettings SettingsFor(const CommandUrl& url);

}  // namespace upgate::app
