#pragma once

#include <chrono>

namespace upgate::config {

using Millis = std::chrono::milliseconds;

}  // namespace upgate::config
