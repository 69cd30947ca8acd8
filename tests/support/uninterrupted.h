#pragma once

#include <cerrno>
#include <concepts>

namespace upgate::test {

// The result of a system call that blocks, made again as long as something interrupts it. That
// need not be a signal: work that io_uring does on the calling thread (libuv 1.45 and newer) ends
// a recv() with SO_RCVTIMEO with EINTR, too.
template <std::invocable Call>
auto Uninterrupted(Call&& call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace upgate::test
