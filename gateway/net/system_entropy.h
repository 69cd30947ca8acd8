#pragma once

#include <array>
#include <cstddef>

#include "gateway/io/network.h"

namespace upgate::net {

// Random bytes from getrandom(2), fetched in advance because a mask needs only four bytes. Bytes
// handed out are wiped from the pool. Belongs to one loop; the process must not fork while it is in
// use.
class SystemEntropy final : public io::Entropy {
 public:
  void Fill(MutableBytes out) override;

 private:
  std::array<std::byte, 1024> pool_{};
  std::size_t used_ = pool_.size();
};

}  // namespace upgate::net
