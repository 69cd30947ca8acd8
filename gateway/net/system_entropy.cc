#include "gateway/net/system_entropy.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace upgate::net {
namespace {

void FillFromSystem(MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got > 0) {
      out = out.subspan(static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      // Without randomness every key would be predictable; there is no sensible way to continue.
      std::perror("getrandom");
      std::abort();
    }
  }
}

}  // namespace

void SystemEntropy::Fill(MutableBytes out) {
  if (out.size() > pool_.size() / 4) return FillFromSystem(out);
  if (pool_.size() - used_ < out.size()) {
    FillFromSystem(pool_);
    used_ = 0;
  }
  const MutableBytes taken = MutableBytes(pool_).subspan(used_, out.size());
  std::ranges::copy(taken, out.begin());
  std::ranges::fill(taken, std::byte{0});
  used_ += out.size();
}

}  // namespace upgate::net
