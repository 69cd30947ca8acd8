#pragma once

#include <chrono>
#include <compare>
#include <concepts>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "gateway/base/address.h"
#include "gateway/config/config.h"

namespace upgate::config {

// The syntax of each type of setting. Works on text only: Field adds the place and the key.

// Why a scalar is not valid for a setting, to be appended to the scalar: "'30' has no unit; write
// 30s".
struct Refusal {
  // Never repeats the scalar, which may be a secret from the environment; empty: "is not <form>".
  std::string what = {};
  std::string instead = {};  // what would be valid; may repeat the scalar
  bool is_secret = false;    // the scalar itself must not be shown
};

inline std::unexpected<Refusal> Refuse(std::string what = {}, std::string instead = {}) {
  return std::unexpected(Refusal{std::move(what), std::move(instead)});
}

template <class T>
using Reading = std::expected<T, Refusal>;

// Inclusive at both ends.
template <class T>
struct Range {
  T min;
  T max;

  template <class U>
  bool Holds(const U& value) const {
    if constexpr (std::integral<T>) {
      return std::cmp_greater_equal(value, min) && std::cmp_less_equal(value, max);
    } else {
      return value >= min && value <= max;
    }
  }
};

struct ByteSize {
  std::uint64_t bytes = 0;
  friend auto operator<=>(const ByteSize&, const ByteSize&) = default;
};

// RFC 9110, section 5.6.2: header names, methods, subprotocols.
struct Token {
  std::string text;
};

// A name or address without a port, as in SNI. An IPv6 address may be in brackets, which are
// removed.
struct HostName {
  std::string text;
};

// Number of loops; 0: one per core.
struct Workers {
  std::uint32_t count = 0;
};

// The path of a file, as written.
struct FileName {
  std::string path;
};

// A share of a whole.
struct Percent {
  std::uint32_t percent = 0;  // 1 to 100
};

// So many events in a time.
struct EventRate {
  std::uint64_t amount = 0;
  Millis period{1000};
};
// So many bytes in a time.
struct ByteRate {
  std::uint64_t bytes = 0;
  Millis period{1000};
};

// Where to listen.
using Endpoint = std::variant<HostPort, UnixPath>;

struct SrvUrl {
  ServerScheme scheme = ServerScheme::kTcp;  // of the servers
  std::string name;
};

struct ServerUrl {
  ServerScheme scheme = ServerScheme::kTcp;
  Endpoint address;
};

// Syntax<T>::kForm describes how a T is written; Syntax<T>::Read parses one; Syntax<T>::Write
// formats one, for types with ranges.
template <class T>
struct Syntax;

// Saturates: a number beyond 64 bits becomes the largest or smallest value.
Reading<std::int64_t> ReadInteger(std::string_view text);

// Parsed as 64 bits, so that a number that does not fit into T is out of range instead of
// truncated.
template <std::integral T>
struct Syntax<T> {
  static constexpr std::string_view kForm = "a whole number";
  static Reading<std::int64_t> Read(std::string_view text) { return ReadInteger(text); }
  static std::string Write(T number) { return std::to_string(number); }
};

template <>
struct Syntax<bool> {
  static constexpr std::string_view kForm = "true or false";
  static Reading<bool> Read(std::string_view text);
};

template <>
struct Syntax<std::string> {
  static constexpr std::string_view kForm = "text";
  static Reading<std::string> Read(std::string_view text) { return std::string(text); }
};

template <>
struct Syntax<Millis> {
  static constexpr std::string_view kForm = "a duration such as 30s (ms, s, m or h)";
  static Reading<Millis> Read(std::string_view text);
  static std::string Write(Millis duration);
};

template <>
struct Syntax<ByteSize> {
  static constexpr std::string_view kForm = "a size such as 64KiB (B, KiB, MiB or GiB)";
  static Reading<ByteSize> Read(std::string_view text);
  static std::string Write(ByteSize size);
};

template <>
struct Syntax<MemoryLimit> {
  static constexpr std::string_view kForm =
      "a size of at least 16MiB such as 512MiB, or a percentage of the memory such as 25%";
  static Reading<MemoryLimit> Read(std::string_view text);
};

template <>
struct Syntax<Workers> {
  static constexpr std::string_view kForm = "auto or a number from 1 to 256";
  static Reading<Workers> Read(std::string_view text);
};

template <>
struct Syntax<Percent> {
  static constexpr std::string_view kForm = "a percentage such as 50%";
  static Reading<Percent> Read(std::string_view text);
};

// In rate_syntax.cc.
template <>
struct Syntax<EventRate> {
  static constexpr std::string_view kForm = "a rate such as 5/s (s, m or h)";
  static Reading<EventRate> Read(std::string_view text);
  static std::string Write(const EventRate& rate);
};

template <>
struct Syntax<ByteRate> {
  static constexpr std::string_view kForm = "a rate such as 1MiB/s (s, m or h)";
  static Reading<ByteRate> Read(std::string_view text);
  static std::string Write(const ByteRate& rate);
};

template <>
struct Syntax<Balance> {
  static constexpr std::string_view kForm = "round_robin, least_sessions, random_two or hash";
  static Reading<Balance> Read(std::string_view text);
};

template <>
struct Syntax<HashKey> {
  static constexpr std::string_view kForm =
      "client, path, host, header NAME, cookie NAME or query NAME";
  static Reading<HashKey> Read(std::string_view text);
};

template <>
struct Syntax<HealthCheck::StatusRange> {
  static constexpr std::string_view kForm = "a status or a range of them, such as 200 or 200-399";
  static Reading<HealthCheck::StatusRange> Read(std::string_view text);
};

template <>
struct Syntax<FileName> {
  static constexpr std::string_view kForm = "the path of a file";
  static Reading<FileName> Read(std::string_view text);
};

template <>
struct Syntax<Token> {
  static constexpr std::string_view kForm = "a token (letters, digits and !#$%&'*+-.^_`|~)";
  static Reading<Token> Read(std::string_view text);
};

template <>
struct Syntax<HostName> {
  static constexpr std::string_view kForm = "a host name or address";
  static Reading<HostName> Read(std::string_view text);
};

template <>
struct Syntax<Endpoint> {
  static constexpr std::string_view kForm = R"(host:port, "[v6]:port" or unix:/path)";
  static Reading<Endpoint> Read(std::string_view text);
};

template <>
struct Syntax<ServerUrl> {
  static constexpr std::string_view kForm =
      "the URL of a server (tcp, tls, unix, ws, wss, http or https)";
  static Reading<ServerUrl> Read(std::string_view text);
};

// srv+SCHEME://_service._proto.domain: the servers are those that DNS tells (RFC 2782).
template <>
struct Syntax<SrvUrl> {
  static constexpr std::string_view kForm =
      "an SRV name such as srv+ws://_live._tcp.example.com, without a port";
  static Reading<SrvUrl> Read(std::string_view text);
};
bool IsSrvUrl(std::string_view text);

template <>
struct Syntax<Cidr> {
  static constexpr std::string_view kForm = "an address or block such as 10.0.0.0/8 or ::1";
  static Reading<Cidr> Read(std::string_view text);
};

template <>
struct Syntax<OriginPattern> {
  static constexpr std::string_view kForm =
      R"(an origin such as https://app.example.com, https://*.example.com, "*" or "null")";
  static Reading<OriginPattern> Read(std::string_view text);
};

template <>
struct Syntax<PathPattern> {
  static constexpr std::string_view kForm = "a path such as /mqtt, /live/* or ~^/v[0-9]+/";
  static Reading<PathPattern> Read(std::string_view text);
};

template <>
struct Syntax<HostPattern> {
  static constexpr std::string_view kForm = R"(a host such as app.example.com or "*.example.org")";
  static Reading<HostPattern> Read(std::string_view text);
};

}  // namespace upgate::config
