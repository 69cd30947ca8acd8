#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/base/result.h"

namespace upgate {

// An IPv4 or IPv6 address: 16 bytes, IPv4 in its mapped form (::ffff:a.b.c.d), so that both are
// compared and matched the same way.
struct Ip {
  std::array<std::uint8_t, 16> bytes{};

  bool is_v4() const;
  // "127.0.0.1", "::1"; never brackets. Accepts what inet_pton accepts.
  static std::optional<Ip> Parse(std::string_view text);
  std::string ToString() const;
  friend bool operator==(const Ip&, const Ip&) = default;
};

// 127.0.0.0/8 or ::1.
bool IsLoopback(const Ip& ip);

struct IpPort {
  Ip ip;
  std::uint16_t port = 0;
  std::string ToString() const;  // "127.0.0.1:80", "[::1]:80"
  friend bool operator==(const IpPort&, const IpPort&) = default;
};

struct UnixPath {
  std::string path;
  friend bool operator==(const UnixPath&, const UnixPath&) = default;
};

// The address of a socket, after name resolution.
using SocketAddress = std::variant<IpPort, UnixPath>;
std::string ToString(const SocketAddress& address);

// A host name or address literal (without brackets) and a port, as in a configuration: not
// resolved.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  // Parses "host:80" or "[::1]:80"; names may have the characters of RFC 3986, section 3.2.2. A
  // missing port defaults to `default_port`, or is an error if that is nullopt.
  static Result<HostPort> Parse(std::string_view text,
                                std::optional<std::uint16_t> default_port = {});
  std::string ToString() const;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

// A block of addresses: "10.0.0.0/8", "::1/128", or a single address.
struct Cidr {
  Ip base;
  int bits = 128;  // of the 16-byte form: an IPv4 /8 is 104
  static std::optional<Cidr> Parse(std::string_view text);
  bool Contains(const Ip& ip) const;
  std::string ToString() const;  // "10.0.0.0/8", "::1/128"
};

}  // namespace upgate
