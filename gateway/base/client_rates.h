#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>

#include "gateway/base/client_key.h"
#include "gateway/base/rate.h"

namespace upgate {

// A token bucket for each client, under one rate that all loops share. The memory is of a fixed
// size (kClients): when it is full, a new client takes the place of the one among some whose bucket
// is the fullest, and which therefore loses least. Thread-safe: one of a few locks for each call.
class ClientRates {
 public:
  static constexpr std::size_t kWays = 8;  // places that a client may have
  static constexpr std::size_t kSets = 4096;
  static constexpr std::size_t kClients = kWays * kSets;

  // `rate` must be one.
  explicit ClientRates(const Rate& rate);

  const Rate& rate() const { return rate_; }
  // Takes one from the client's bucket if it is there. Returns 0, or how long until it is, in
  // milliseconds. `now`: milliseconds of a clock that all loops share, above 0.
  double TakeOne(const ClientKey& key, double now);

 private:
  static constexpr std::size_t kLocks = 64;

  struct Place {
    ClientKey key;
    TokenBucket bucket;
  };
  using Set = std::array<Place, kWays>;
  struct Free {
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): only calloc() has zeros without touching them
    void operator()(Set* sets) const { std::free(sets); }
  };

  const Rate rate_;
  const ClientHash hash_;
  std::array<std::mutex, kLocks> locks_;
  // Zeros, as Place is at first, that nobody has written: a configuration may have thousands of
  // rates, and the system has memory only for what clients have touched.
  const std::unique_ptr<Set[], Free> sets_;
};

}  // namespace upgate
