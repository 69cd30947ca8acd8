#pragma once

#include "gateway/app/explain_lines.h"
#include "gateway/config/config.h"
#include "gateway/plugin/service.h"
#include "gateway/upgrade/generation.h"
#include "gateway/upgrade/rewriter.h"

namespace upgate::app {

// The part of an explanation that says what is behind a route, and what the route changes of the
// request and of the response. `live`: see Question.
void TellTarget(Lines& out, const upgrade::Generation& generation, const config::Route& route,
                const upgrade::VariableSource& source, const plugin::Service::Preview& preview,
                bool live);

}  // namespace upgate::app
