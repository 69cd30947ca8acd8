#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/plugin/auth.h"

namespace upgate::plugins {

// Counts failed attempts by address, IPv6 addresses by their /64, so that passwords cannot be tried
// one after the other. Keeps the addresses that failed last, a fixed number. Thread-safe: all loops
// count together, with clocks that began at about the same time.
class FailureLimit {
 public:
  static constexpr int kMost = 10;  // failures of an address within kTime
  static constexpr io::Millis kTime{60'000};
  static constexpr std::size_t kAddresses = 4096;

  // `client`: an address without a port; all clients without one count as the same.
  bool IsReached(std::string_view client, io::Instant now) const;
  void Count(std::string_view client, io::Instant now);
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  struct Entry {
    std::string network;
    io::Instant since;
    int failures = 0;
  };
  static std::string NetworkOf(std::string_view client);

  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the one that failed last in front
  std::unordered_map<std::string_view, std::list<Entry>::iterator> places_;
};

}  // namespace upgate::plugins
