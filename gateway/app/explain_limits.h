#pragma once

#include "gateway/app/explain_lines.h"
#include "gateway/config/config.h"

namespace upgate::app {

// What explain says about who may come, and how much.
void TellAccess(Lines& out, const config::Access& access);
void TellLimits(Lines& out, const config::RouteLimits& limits);

}  // namespace upgate::app
