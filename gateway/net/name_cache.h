#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/io/timers.h"

namespace upgate::net {

// The result of a name lookup, shared by all who wait for it. The list of addresses is never empty.
using NameAnswer = std::shared_ptr<const Result<std::vector<Ip>>>;

// A bounded cache of the addresses of names. No I/O and no clock. Not thread-safe.
class NameCache {
 public:
  struct Options {
    io::Millis fresh{30'000};  // after this age a name is looked up again
    // Until this age the old addresses are used while the new lookup runs or if it fails.
    io::Millis usable{3'600'000};
    io::Millis failed{1'000};   // how long a failure is cached
    std::size_t names = 1'000;  // maximum number of names; the least recently used is evicted
  };

  struct Found {
    NameAnswer answer;     // nullptr: not in the cache
    bool refresh = false;  // look the name up, unless a lookup is in progress
  };

  explicit NameCache(Options options) : options_(options) {}

  Found Find(const std::string& name, io::Instant now);
  void Store(const std::string& name, NameAnswer answer, io::Instant now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    NameAnswer addresses;  // the last successful result
    io::Instant addresses_at{};
    NameAnswer failure;  // the last lookup, if it failed
    io::Instant failure_at{};
    io::Instant used_at{};
  };

  void MakeRoom();

  Options options_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace upgate::net
