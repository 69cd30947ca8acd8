#include "gateway/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

#include "gateway/base/match.h"
#include "gateway/base/text.h"

namespace upgate {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

// Written by hand for speed: inet_ntop uses sprintf, and every request needs its client's address.
// `at` has room for INET_ADDRSTRLEN characters. Returns the end.
char* PutV4(char* at, std::span<const std::uint8_t, 4> bytes) {
  const auto digit = [&](int value) { *at++ = static_cast<char>('0' + value); };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) *at++ = '.';
    const int byte = bytes[i];
    if (byte >= 100) digit(byte / 100);
    if (byte >= 10) digit(byte / 10 % 10);
    digit(byte % 10);
  }
  return at;
}

// RFC 3986, section 3.2.2: the characters of a registered name.
bool IsNameCharacter(char c) {
  return IsAlpha(c) || IsDigit(c) ||
         std::string_view("-._~!$&'()*+,;=%").find(c) != std::string_view::npos;
}

}  // namespace

bool Ip::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
}

std::optional<Ip> Ip::Parse(std::string_view text) {
  // inet_pton stops at a NUL and would ignore what follows.
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return {};
  const std::string copy(text);
  Ip ip;
  if (text.find(':') != std::string_view::npos) {
    if (inet_pton(AF_INET6, copy.c_str(), ip.bytes.data()) == 1) return ip;
    return {};
  }
  // Fast path: most inputs are names.
  if (text.empty() || !IsDigit(text.front())) return {};
  if (inet_pton(AF_INET, copy.c_str(), ip.bytes.data() + 12) != 1) return {};
  std::ranges::copy(kMapped, ip.bytes.begin());
  return ip;
}

std::string Ip::ToString() const {
  char text[INET6_ADDRSTRLEN];
  if (is_v4()) return {text, PutV4(text, std::span(bytes).last<4>())};
  return inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
}

bool IsLoopback(const Ip& ip) {
  constexpr std::array<std::uint8_t, 16> kV6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return ip.is_v4() ? ip.bytes[12] == 127 : ip.bytes == kV6;
}

std::string IpPort::ToString() const {
  if (!ip.is_v4()) return HostPort{ip.ToString(), port}.ToString();
  char text[INET_ADDRSTRLEN + sizeof ":65535"];
  char* at = PutV4(text, std::span(ip.bytes).last<4>());
  *at++ = ':';
  return {text, std::to_chars(at, std::end(text), port).ptr};
}

std::string ToString(const SocketAddress& address) {
  return std::visit(Match{[](const IpPort& a) { return a.ToString(); },
                          [](const UnixPath& a) { return "unix:" + a.path; }},
                    address);
}

Result<HostPort> HostPort::Parse(std::string_view text, std::optional<std::uint16_t> default_port) {
  HostPort result;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return Fail(Errc::kOther, "'[' without ']'");
    result.host = text.substr(1, end - 1);
    const auto ip = Ip::Parse(result.host);
    if (!ip || result.host.find(':') == std::string::npos) {
      return Fail(Errc::kOther, "no IPv6 address between '[' and ']'");
    }
    rest = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    result.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    if (rest.find(':', 1) != std::string_view::npos) {
      return Fail(Errc::kOther, "an IPv6 address needs brackets, as in [::1]:80");
    }
  }
  if (result.host.empty()) return Fail(Errc::kOther, "no host before the port");
  if (!text.starts_with('[') && !std::ranges::all_of(result.host, IsNameCharacter)) {
    return Fail(Errc::kOther, "a character that is not allowed in host names");
  }
  if (rest.empty()) {
    if (!default_port) return Fail(Errc::kOther, "no port; host:port is needed");
    result.port = *default_port;
    return result;
  }
  const auto port = rest.front() == ':' ? ParseNumber<std::uint16_t>(rest.substr(1)) : std::nullopt;
  if (!port) return Fail(Errc::kOther, "the port is not a number from 0 to 65535");
  result.port = *port;
  return result;
}

std::string HostPort::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  std::string text;
  text.reserve(host.size() + 8);
  if (v6) text += '[';
  text += host;
  if (v6) text += ']';
  return text += ":" + std::to_string(port);
}

std::optional<Cidr> Cidr::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto ip = Ip::Parse(text.substr(0, slash));
  if (!ip) return {};
  Cidr cidr{*ip, 128};
  if (slash == std::string_view::npos) return cidr;
  const int width = ip->is_v4() && text.find(':') == std::string_view::npos ? 32 : 128;
  const auto bits = ParseNumber<int>(text.substr(slash + 1));
  if (!bits || *bits < 0 || *bits > width) return {};
  cidr.bits = *bits + (128 - width);
  return cidr;
}

bool Cidr::Contains(const Ip& ip) const {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  ip.bytes.begin())) {
    return false;
  }
  const int rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (base.bytes[whole] & mask) == (ip.bytes[whole] & mask);
}

std::string Cidr::ToString() const {
  const std::string ip = base.ToString();
  if (!base.is_v4()) return ip + "/" + std::to_string(bits);
  return bits >= 96 ? ip + "/" + std::to_string(bits - 96)
                    : "::ffff:" + ip + "/" + std::to_string(bits);
}

}  // namespace upgate
