#include "gateway/backend/hash_ring.h"

#include <algorithm>
#include <bit>

namespace upgate::backend {
namespace {

constexpr std::size_t kMostPoints = 65'536;
// Of each unit of weight: with so many, the shares of equal servers differ by some percent.
constexpr std::size_t kMostOfUnit = 256;

// The finalizer of MurmurHash3.
std::uint64_t Mix(std::uint64_t h) {
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdULL;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53ULL;
  h ^= h >> 33;
  return h;
}

// A power of two, so that a server more or less seldom changes it: that would move many keys.
std::size_t PointsOfUnit(const std::vector<HashRing::Member>& servers) {
  std::size_t weight = 0;
  for (const HashRing::Member& server : servers) weight += server.weight;
  const std::size_t fits = kMostPoints / std::max<std::size_t>(weight, 1);
  return std::bit_floor(std::clamp<std::size_t>(fits, 1, kMostOfUnit));
}

}  // namespace

std::uint64_t HashOf(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ULL;  // FNV-1a
  for (const char c : text) {
    h ^= static_cast<unsigned char>(c);
    h *= 0x100000001b3ULL;
  }
  return Mix(h);
}

HashRing::HashRing(const std::vector<Member>& servers) {
  const std::size_t unit = PointsOfUnit(servers);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const std::uint64_t name = HashOf(servers[i].name);
    for (std::size_t k = 0; k < unit * servers[i].weight; ++k)
      points_.push_back({Mix(name + 0x9e3779b97f4a7c15ULL * (k + 1)), i});
  }
  std::ranges::sort(points_, [](const Point& a, const Point& b) {
    return a.at != b.at ? a.at < b.at : a.server < b.server;
  });
}

std::size_t HashRing::Find(std::uint64_t key) const {
  const auto it = std::ranges::lower_bound(points_, key, {}, &Point::at);
  return it != points_.end() ? static_cast<std::size_t>(it - points_.begin()) : 0;
}

}  // namespace upgate::backend
