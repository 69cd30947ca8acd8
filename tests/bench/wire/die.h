#pragma once

#include <string_view>

namespace upgate::bench {

// Prints `why` on standard error and exits with 1: a measurement that cannot continue is worthless.
[[noreturn]] void Die(std::string_view why);
// The same, followed by the text of errno.
[[noreturn]] void DieErrno(std::string_view what);

}  // namespace upgate::bench
