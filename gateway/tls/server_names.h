#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upgate::tls {

// Maps server names to certificates: exact names before wildcards; for duplicate names, the first
// certificate added.
class ServerNames {
 public:
  // `names` as in a certificate: lower case, a wildcard begins with "*." (RFC 6125, section 6.4.3:
  // exactly one whole label).
  void Add(const std::vector<std::string>& names, std::size_t certificate);

  // `asked` as sent by the client: any case, optionally with a trailing root dot, possibly an
  // address literal.
  std::optional<std::size_t> Find(std::string_view asked) const;

 private:
  using Table = std::map<std::string, std::size_t, std::less<>>;
  Table exact_;
  Table wildcard_;  // without "*"
};

}  // namespace upgate::tls
