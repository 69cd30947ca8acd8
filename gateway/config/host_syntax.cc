#include "gateway/config/host_syntax.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::config {
namespace {

bool IsLabelCharacter(char c) {
  return IsAlpha(c) || IsDigit(c) || c == '-' || c == '_';
}

std::optional<Refusal> FaultOfLabel(std::string_view label) {
  if (label.empty()) return Refusal{"has an extra dot in its host"};
  if (label.size() > 63) return Refusal{"has more than 63 characters between two dots of its host"};
  if (std::ranges::all_of(label, IsLabelCharacter)) return {};
  const bool ascii =
      std::ranges::all_of(label, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return Refusal{"has a character that is not allowed in host names",
                 ascii ? "" : "write international names in their xn-- form"};
}

}  // namespace

std::optional<Refusal> HostMistake(std::string_view host) {
  if (host.empty()) return Refusal{"has no host"};
  if (Ip::Parse(host)) return {};
  if (host.find(':') != std::string_view::npos) return Refusal{"has no valid IPv6 address"};
  if (host.size() > 253) return Refusal{"has a host of more than 253 characters"};
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string_view last;
  for (std::string_view rest = host;;) {
    const std::size_t dot = rest.find('.');
    last = rest.substr(0, dot);
    if (auto fault = FaultOfLabel(last)) return fault;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  // WHATWG URL, "ends in a number": resolvers would treat it as an address in another notation.
  if (std::ranges::all_of(last, IsDigit))
    return Refusal{"has a host that is neither a name nor an IPv4 address"};
  return {};
}

Reading<HostPort> ReadHostPort(std::string_view text, std::optional<std::uint16_t> default_port) {
  auto parsed = HostPort::Parse(text, default_port);
  if (!parsed) return Refuse("is not host:port: " + parsed.error().message);
  if (auto fault = HostMistake(parsed->host)) return std::unexpected(std::move(*fault));
  return std::move(*parsed);
}

std::string CanonicalHost(std::string_view host) {
  if (const auto ip = Ip::Parse(host);
      ip && host.find(':') != std::string_view::npos && !ip->is_v4()) {
    return ip->ToString();
  }
  return ToLower(host);
}

}  // namespace upgate::config
