#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace upgate::net {

// What an errno value of a socket call means to those above, with the system's own words:
// "connection refused". `what` goes in front, where it is not empty: "listen on 127.0.0.1:80:
// permission denied".
Error SystemError(int error_number, std::string_view what = {});

// The error of a process or system that has less than `wanted` descriptors left; for after a
// failure that does not tell its reason. Thread-safe; takes and gives back that many.
std::optional<Error> LackOfDescriptors(std::size_t wanted);

}  // namespace upgate::net
