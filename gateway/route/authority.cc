#include "gateway/route/authority.h"

#include <algorithm>
#include <charconv>

#include "gateway/base/address.h"
#include "gateway/base/text.h"

namespace upgate::route {
namespace {

// Characters not allowed in host names (WHATWG URL, "forbidden domain code point"), ',', which
// separates list elements, and '*', which only patterns contain.
bool IsForbidden(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet <= 0x20 || octet == 0x7f || std::string_view("#/:<>?@[\\]^|%,*\"").contains(c);
}

std::optional<std::uint16_t> ParsePort(std::string_view digits) {
  std::uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc{} || stop != end || port == 0) return {};
  return port;
}

}  // namespace

std::uint16_t DefaultPort(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "wss") return 443;
  return 0;
}

std::string CanonicalHost(std::string_view host) {
  if (host.contains(':')) {
    // An IPv4-mapped IPv6 address is a different origin than the IPv4 address.
    if (const auto ip = Ip::Parse(host); ip && !ip->is_v4()) return ip->ToString();
  }
  return ToLower(host);
}

std::optional<Authority> ParseAuthority(std::string_view text, std::uint16_t default_port) {
  std::size_t end = 0;  // of the host, including brackets
  std::string_view host;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return {};
    host = text.substr(1, bracket - 1);
    if (!host.contains(':') || host.contains('\0') || !Ip::Parse(host)) return {};
    end = bracket + 1;
  } else {
    end = std::min(text.find(':'), text.size());
    host = text.substr(0, end);
    if (host.empty() || std::ranges::any_of(host, IsForbidden)) return {};
  }
  const std::string_view rest = text.substr(end);
  if (rest.empty()) return Authority{CanonicalHost(host), default_port};
  const auto port = rest.front() == ':' ? ParsePort(rest.substr(1)) : std::nullopt;
  if (!port) return {};
  return Authority{CanonicalHost(host), *port};
}

}  // namespace upgate::route
