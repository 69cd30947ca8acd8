#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upgate::tls {

// Which certificate is for which name: exact names before wildcards, the certificate first added
// where two have the same.
class ServerNames {
 public:
  // `names` as in a certificate: lower case, a wildcard is "*." in front (RFC 6125, section 6.4.3:
  // a whole label, one).
  void Add(const std::vector<std::string>& names, std::size_t certificate);

  // `asked` as the client sent it; any case, perhaps with the dot of the root, perhaps an address
  // literal.
  std::optional<std::size_t> Find(std::string_view asked) const;

 private:
  using Table = std::map<std::string, std::size_t, std::less<>>;
  Table exact_;
  Table wildcard_;  // without "*"
};

}  // namespace upgate::tls
