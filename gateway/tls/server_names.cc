#include "gateway/tls/server_names.h"

#include "gateway/base/address.h"
#include "gateway/base/text.h"

namespace upgate::tls {

void ServerNames::Add(const std::vector<std::string>& names, std::size_t certificate) {
  for (const std::string& name : names) {
    if (name.starts_with("*.")) {
      wildcard_.try_emplace(name.substr(1), certificate);
    } else {
      exact_.try_emplace(name, certificate);
    }
  }
}

std::optional<std::size_t> ServerNames::Find(std::string_view asked) const {
  std::string name = ToLower(asked);
  if (name.ends_with('.')) name.pop_back();
  if (const auto ip = Ip::Parse(name)) name = ip->ToString();
  if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  const auto found = wildcard_.find(std::string_view(name).substr(dot));
  return found != wildcard_.end() ? std::optional(found->second) : std::nullopt;
}

}  // namespace upgate::tls
