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

// What a lookup of a name ended with; shared by all who wait for it. The addresses are never empty.
using NameAnswer = std::shared_ptr<const Result<std::vector<Ip>>>;

// Remembers the addresses of names, within bounds. No I/O and no clock. Not thread-safe.
class NameCache {
 public:
  struct Options {
    io::Millis fresh{30'000};  // after this a name is looked up again
    io::Millis usable{
        3'600'000};            // until then the old addresses serve, also when the new lookup fails
    io::Millis failed{1'000};  // how long a failure is believed
    std::size_t names = 1'000;  // the one used longest ago makes room
  };

  struct Found {
    NameAnswer answer;     // nullptr: nothing is known
    bool refresh = false;  // look the name up, unless that is under way
  };

  explicit NameCache(Options options) : options_(options) {}

  Found Find(const std::string& name, io::Instant now);
  void Store(const std::string& name, NameAnswer answer, io::Instant now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    NameAnswer addresses;  // the last good answer
    io::Instant addresses_at{};
    NameAnswer failure;  // when the last lookup failed
    io::Instant failure_at{};
    io::Instant used_at{};
  };

  void MakeRoom();

  Options options_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace upgate::net
