#pragma once

#include <cerrno>
#include <concepts>

namespace upgate::test {

// Retries a blocking system call as long as it is interrupted. Signals are not the only cause: work
// that io_uring does on the calling thread (libuv 1.45 and newer) also makes a recv() with
// SO_RCVTIMEO fail with EINTR.
template <std::invocable Call>
auto Uninterrupted(Call&& call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace upgate::test
