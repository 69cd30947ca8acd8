#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace upgate::backend {

// The same in every process and version: gateways in front of the same servers agree. Not meant to
// resist those who choose keys that collide.
std::uint64_t HashOf(std::string_view text);

// Consistent hashing: each server has points on a ring, in proportion to its weight, and a key
// belongs to the server of the next point. A server that goes or comes moves only its own keys.
// Immutable.
class HashRing {
 public:
  struct Member {
    std::string_view name;  // unique
    std::size_t weight = 1;
  };
  explicit HashRing(const std::vector<Member>& servers);

  // The place on the ring for a key, and the server there; the next place, all around.
  std::size_t Find(std::uint64_t key) const;
  std::size_t ServerAt(std::size_t place) const { return points_[place].server; }
  std::size_t Next(std::size_t place) const { return place + 1 < points_.size() ? place + 1 : 0; }
  std::size_t size() const { return points_.size(); }

 private:
  struct Point {
    std::uint64_t at;
    std::size_t server;
  };
  std::vector<Point> points_;  // sorted
};

}  // namespace upgate::backend
