#pragma once

#include <string_view>

#include "gateway/http/message.h"

namespace upgate::upgrade {

// The reason in the Close of sessions whose server, route or listener was drained.
inline constexpr std::string_view kDrainedReason = "drained by an operator";

// The 503 for what an operator has taken out of service.
http::Response DrainedResponse(std::string_view why);

}  // namespace upgate::upgrade
