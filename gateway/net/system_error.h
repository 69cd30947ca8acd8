#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace upgate::net {

// Converts the errno of a socket call to an Error with the system's message: "connection refused".
// A non-empty `what` is put in front: "listen on 127.0.0.1:80: permission denied".
Error SystemError(int error_number, std::string_view what = {});

// The error for fewer than `wanted` available descriptors in the process or system, if that is the
// case; to be called after a failure without a clear reason. Thread-safe; opens and closes that
// many descriptors.
std::optional<Error> LackOfDescriptors(std::size_t wanted);

}  // namespace upgate::net
