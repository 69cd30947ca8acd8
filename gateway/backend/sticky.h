#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upgate::backend {

// What stands in the cookie that leads a client back to its server: the first half of an
// HMAC-SHA256 over the names of the backend and the server, in base64url. It says nothing to those
// who do not have the key, and only they can make one; nothing has to be computed for a request.
// Immutable.
class StickyValues {
 public:
  // `urls`: unique, in the order of the configuration.
  StickyValues(std::string_view key, std::string_view backend,
               const std::vector<std::string>& urls);

  const std::string& Of(std::size_t server) const { return values_[server]; }
  // nullopt for a value that is none of them. Takes the same time whichever it is.
  std::optional<std::size_t> Find(std::string_view value) const;

  friend bool operator==(const StickyValues&, const StickyValues&) = default;

 private:
  std::vector<std::string> values_;
};

}  // namespace upgate::backend
