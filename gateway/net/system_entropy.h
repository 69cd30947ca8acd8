#pragma once

#include <array>
#include <cstddef>

#include "gateway/io/network.h"

namespace upgate::net {

// Randomness from getrandom(2), fetched a little ahead because a mask needs only four bytes. What
// has been handed out is wiped. Belongs to one loop; the process must not fork with it in use.
class SystemEntropy final : public io::Entropy {
 public:
  void Fill(MutableBytes out) override;

 private:
  std::array<std::byte, 1024> pool_{};
  std::size_t used_ = pool_.size();
};

}  // namespace upgate::net
