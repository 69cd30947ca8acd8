#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace upgate::plugins {

// A table of fixed size that forgets what was used longest ago. Not thread-safe.
template <class Key, class Value, class Hash = std::hash<Key>>
class Recent {
 public:
  explicit Recent(std::size_t most) : most_(most) {}

  // nullptr if it is not there; else it is now the one that was used last.
  Value* Find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }
  void Put(const Key& key, Value value) {
    if (Value* there = Find(key)) {
      *there = std::move(value);
      return;
    }
    if (entries_.size() >= most_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    places_.emplace(key, entries_.begin());
  }
  void Erase(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    entries_.erase(found->second);
    places_.erase(found);
  }
  void Clear() {
    places_.clear();
    entries_.clear();
  }
  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<Key, Value>>;

  const std::size_t most_;
  Entries entries_;  // the one that was used last in front
  std::unordered_map<Key, typename Entries::iterator, Hash> places_;
};

}  // namespace upgate::plugins
