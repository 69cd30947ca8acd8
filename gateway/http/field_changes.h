#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.h"

namespace upgate::http {

// Changes to the header fields of a message: some are dropped, then others are added.
struct FieldChanges {
  std::vector<std::string> drop;  // names in lower case, with '-'; see Drops
  std::vector<Header> add;

  bool empty() const { return drop.empty() && add.empty(); }
  // True for a name in `drop` in any spelling that servers may treat as equal (EqualsAsVariable).
  bool Drops(std::string_view name) const;
  void Apply(Headers& headers) const;
};

}  // namespace upgate::http
