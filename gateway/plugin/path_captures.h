#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.h"

namespace upgate::plugin {

// The groups of a regular expression in paths. The expression is applied to the decoded path, as
// for routing; what it captured is text of the encoded path, exactly as the client sent it. It
// therefore never contains control characters, and nothing is encoded twice. Immutable and
// thread-safe.
class PathCaptures {
 public:
  // `expression`: a valid RE2 expression.
  explicit PathCaptures(const std::string& expression);
  ~PathCaptures();
  PathCaptures(const PathCaptures&) = delete;
  PathCaptures& operator=(const PathCaptures&) = delete;

  // What was matched of a path's `raw_path`: item 0 is the whole match, then come the groups; a
  // group without a match is empty. Views into the target. nullopt if the expression does not
  // match, or if a group begins or ends within an escape (%2F and %00, which are never decoded).
  std::optional<std::vector<std::string_view>> Of(const http::Target& target) const;

  std::size_t groups() const { return groups_; }

 private:
  struct Expression;
  std::unique_ptr<const Expression> expression_;
  std::size_t groups_;
};

}  // namespace upgate::plugin
