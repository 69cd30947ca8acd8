#include "gateway/backend/sticky.h"

#include "gateway/base/base64.h"
#include "gateway/tls/mac.h"

namespace upgate::backend {
namespace {

constexpr std::size_t kBytes = 18;  // 24 characters, without padding

std::string ValueFor(std::string_view key, std::string_view backend, std::string_view url) {
  std::string said = "upgate sticky";
  said.append(1, '\0').append(backend).append(1, '\0').append(url);
  const auto mac = tls::HmacSha256(key, said);
  return Base64UrlEncode(Bytes(mac).first(kBytes));
}

bool Equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |=
        static_cast<unsigned char>(a[i]) ^ static_cast<unsigned>(static_cast<unsigned char>(b[i]));
  return difference == 0;
}

}  // namespace

StickyValues::StickyValues(std::string_view key, std::string_view backend,
                           const std::vector<std::string>& urls) {
  for (const std::string& url : urls) values_.push_back(ValueFor(key, backend, url));
}

std::optional<std::size_t> StickyValues::Find(std::string_view value) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (Equal(values_[i], value)) found = i;
  }
  return found;
}

}  // namespace upgate::backend
