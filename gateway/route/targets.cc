#include "gateway/route/targets.h"

#include <algorithm>
#include <string>

#include "gateway/base/text.h"

namespace upgate::route {
namespace {

using config::TargetPattern;

bool HasPort(const TargetPattern& pattern, std::uint16_t port) {
  return port >= pattern.first_port && port <= pattern.last_port;
}

// `host`: lower case, without a trailing dot.
bool IsNamed(const TargetPattern& pattern, std::string_view host) {
  if (pattern.kind == TargetPattern::Kind::kHost) return host == pattern.text;
  if (pattern.kind != TargetPattern::Kind::kSubdomains) return false;
  return host.size() > pattern.text.size() + 1 && host.ends_with(pattern.text) &&
         host[host.size() - pattern.text.size() - 1] == '.';
}

bool IsLocalhost(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost");
}

// Addresses that no public or private name is for.
bool IsSpecial(const Ip& ip) {
  if (IsLoopback(ip)) return true;
  const auto& b = ip.bytes;
  if (ip.is_v4()) {
    return b[12] == 0 || b[12] >= 224 || (b[12] == 169 && b[13] == 254);
  }
  const bool unspecified = std::ranges::all_of(b, [](std::uint8_t byte) { return byte == 0; });
  const bool link_local = b[0] == 0xfe && (b[1] & 0xc0) == 0x80;
  return unspecified || link_local || b[0] == 0xff;
}

}  // namespace

bool MayConnect(const std::vector<TargetPattern>& allow, std::string_view path) {
  const std::string_view folder = path.substr(0, path.rfind('/'));
  return std::ranges::any_of(allow, [&](const TargetPattern& pattern) {
    if (pattern.kind == TargetPattern::Kind::kUnixSocket) return path == pattern.text;
    return pattern.kind == TargetPattern::Kind::kUnixFolder && folder == pattern.text;
  });
}

std::vector<Ip> AllowedAddresses(const std::vector<TargetPattern>& allow, const HostPort& target,
                                 const std::vector<Ip>& addresses) {
  std::string host = ToLower(target.host);
  if (host.ends_with('.')) host.pop_back();
  const bool local = IsLocalhost(host);
  std::vector<Ip> allowed;
  for (const Ip& ip : addresses) {
    const bool may = std::ranges::any_of(allow, [&](const TargetPattern& pattern) {
      if (!HasPort(pattern, target.port)) return false;
      if (pattern.kind == TargetPattern::Kind::kBlock) return pattern.block.Contains(ip);
      if (!IsNamed(pattern, host)) return false;
      return local ? IsLoopback(ip) : !IsSpecial(ip);
    });
    if (may) allowed.push_back(ip);
  }
  return allowed;
}

}  // namespace upgate::route
