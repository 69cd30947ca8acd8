#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/address.h"

namespace upgate::config {

enum class TlsVersion : std::uint8_t;

struct PathPattern {
  // Memory limit in bytes for one route's compiled regular expression, including its match cache.
  static constexpr std::int64_t kRegexMemory = 1024 * 1024;

  enum class Kind : std::uint8_t { kExact, kPrefix, kRegex };
  Kind kind = Kind::kExact;
  // kExact: the path. kPrefix: without "/*" ("/live/*" -> "/live", "/*" -> ""). kRegex: the RE2
  // expression without '~'.
  std::string text;
  std::string written;  // as in the file
  // The rest is of the compiled expression, for kRegex only.
  std::size_t instructions = 0;
  std::size_t captures = 0;
  // The text that every path begins with that the expression matches; empty if there is none.
  std::string literal = {};
};

struct HostPattern {
  std::string host;       // lower case; for a wildcard without "*."
  bool wildcard = false;  // "*.example.org": one or more labels before it
};

// What the value of a header field, a query parameter or a cookie has to be.
struct ValueCondition {
  enum class Kind : std::uint8_t { kPresent, kExact, kRegex };
  std::string name;  // as in the file
  Kind kind = Kind::kPresent;
  std::string text = {};         // kExact: the value. kRegex: the RE2 expression without '~'
  std::string written = {};      // as in the file
  std::size_t instructions = 0;  // of the compiled expression; kRegex only
};

// What a route requires of a request in addition to host and path. Everything that is given must
// hold; of a list, one item. The default requires nothing.
struct Conditions {
  std::vector<std::string> methods;  // GET includes HEAD
  std::vector<ValueCondition> headers;
  std::vector<ValueCondition> query;
  std::vector<ValueCondition> cookies;
  std::vector<std::string> subprotocols;  // the client offers one of them
  std::vector<Cidr> clients;
  std::vector<std::string> listeners;  // as Listener::identity
  std::vector<HostPattern> sni;
  std::optional<TlsVersion> tls_version;
  // Number of conditions: each header, parameter and cookie, and each other key, counts as one.
  std::size_t count() const;
  bool empty() const { return count() == 0; }
};

}  // namespace upgate::config
