#pragma once

#include <chrono>
#include <string_view>

#include "gateway/http/message.h"

namespace upgate::upgrade {

// The reason in the Close of sessions whose server, route or listener was drained.
inline constexpr std::string_view kDrainedReason = "drained by an operator";

// 503 with Retry-After, for what can be had again soon.
http::Response RetryLaterResponse(std::string_view why,
                                  std::chrono::seconds after = std::chrono::seconds{5});

}  // namespace upgate::upgrade
