#include "gateway/base/client_key.h"

#include <random>

namespace upgate {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t Fold(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

struct Secret {
  std::uint64_t high;
  std::uint64_t low;
};

// One for the whole process: where instructions that ask for the processor's abilities are
// emulated, as in many virtual machines, each random_device takes a hundred microseconds, and a
// configuration of a thousand routes has thousands of tables.
const Secret& SecretOfProcess() {
  static const Secret secret = [] {
    std::random_device source;
    const auto random = [&] { return std::uint64_t{source()} << 32 | source() | 1; };
    const std::uint64_t high = random();
    return Secret{.high = high, .low = random()};
  }();
  return secret;
}

}  // namespace

// Other than the keys of addresses, whose high or low part is 0 or 1.
ClientKey ClientKey::OfUser(std::string_view name) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  std::uint64_t high = 0xcbf29ce484222325;
  std::uint64_t low = 0x84222325cbf29ce4;
  for (const char c : name) {
    high = (high ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    low = Fold(low ^ static_cast<unsigned char>(c), kFactor);
  }
  return {.high = high | 2, .low = low | 2};
}

ClientHash::ClientHash() : high_(SecretOfProcess().high), low_(SecretOfProcess().low) {}

std::uint64_t ClientHash::operator()(const ClientKey& key) const {
  return Fold(Fold(key.high ^ high_, key.low ^ low_) ^ low_, high_);
}

}  // namespace upgate
