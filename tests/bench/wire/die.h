#pragma once

#include <string_view>

namespace upgate::bench {

// A measurement that cannot go on is worth nothing: says why on standard error and ends the program
// with 1.
[[noreturn]] void Die(std::string_view why);
// The same with the text of errno behind it.
[[noreturn]] void DieErrno(std::string_view what);

}  // namespace upgate::bench
