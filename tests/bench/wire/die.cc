#include "tests/bench/wire/die.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace upgate::bench {

void Die(std::string_view why) {
  std::fprintf(stderr, "%s: %.*s\n", program_invocation_short_name, static_cast<int>(why.size()),
               why.data());
  std::_Exit(1);
}

void DieErrno(std::string_view what) {
  const int error = errno;
  std::fprintf(stderr, "%s: %.*s: %s\n", program_invocation_short_name,
               static_cast<int>(what.size()), what.data(), std::strerror(error));
  std::_Exit(1);
}

}  // namespace upgate::bench
