#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace upgate::stats {

// Rows by key, and the order in which they are output. Owns the rows together with those who count
// in them. Not thread-safe.
template <class Row>
class RowTable {
 public:
  // The row with this key, or a new one that `make` returns as a shared_ptr. A new row comes after
  // all others.
  template <class Make>
  std::shared_ptr<Row> FindOrAdd(const std::string& key, Make make) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) return found->second.row;
    std::shared_ptr<Row> row = make();
    entries_.emplace(key, Entry{row, next_place_++, false});
    return row;
  }

  // Puts the rows with the keys of `order` first. All others keep their order among each other, and
  // may be forgotten. A key that is repeated counts where it first stands.
  void SetOrder(const std::vector<std::string>& order) {
    for (auto& [key, entry] : entries_) entry.ordered = false;
    for (const std::string& key : order) {
      const auto found = entries_.find(key);
      assert(found != entries_.end() && "the row is of this table");
      if (found == entries_.end() || found->second.ordered) continue;
      found->second.place = next_place_++;
      found->second.ordered = true;
    }
  }

  // Drops the rows outside of the order that nobody else holds. Nobody can take such a row up
  // meanwhile: only this table could hand it out.
  void ForgetUnheld() {
    std::erase_if(entries_, [](const auto& item) {
      return !item.second.ordered && item.second.row.use_count() == 1;
    });
  }

  std::vector<std::shared_ptr<Row>> InOrder() const {
    std::vector<const Entry*> sorted;
    for (const auto& [key, entry] : entries_) sorted.push_back(&entry);
    std::ranges::sort(sorted, {},
                      [](const Entry* entry) { return std::pair(!entry->ordered, entry->place); });
    std::vector<std::shared_ptr<Row>> rows;
    for (const Entry* entry : sorted) rows.push_back(entry->row);
    return rows;
  }

 private:
  struct Entry {
    std::shared_ptr<Row> row;
    std::uint64_t place;  // unique; later ones are larger
    bool ordered;         // in the last order
  };

  std::map<std::string, Entry> entries_;
  std::uint64_t next_place_ = 0;
};

}  // namespace upgate::stats
