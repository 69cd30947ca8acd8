#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace upgate {

// The kind of failure, for code that has to choose a reaction (a status, a close code, the next
// server).
enum class Errc : std::uint8_t {
  kRefused,       // nobody listens there
  kUnreachable,   // no route, or no such file
  kTimeout,       // no response in time
  kReset,         // the peer reset the connection
  kResolve,       // the name has no address
  kTls,           // handshake or certificate
  kProtocol,      // the peer violated the protocol
  kAddressInUse,  // somebody else listens on the address
  kPermission,    // not permitted by the system
  kLimit,         // out of descriptors, memory or a configured limit
  kOther,
};

// Why a TLS handshake failed, for statistics.
enum class TlsFault : std::uint8_t {
  kOther,
  kPlainHttp,    // the peer sent an HTTP request
  kNotTls,       // the peer sent something else that is not TLS
  kVersion,      // no version in common
  kCertificate,  // the peer's certificate was rejected
  kAlert,        // the peer sent an alert; often it rejects our certificate
  kGone,         // the connection ended during the handshake
  kTimeout,      // it took too long
};
inline constexpr std::size_t kTlsFaults = 8;

// A failure as a value. `message` is for a log or a console: one clause, lower case, no full stop,
// no secrets.
struct Error {
  Errc code = Errc::kOther;
  std::string message;
  TlsFault tls_fault = TlsFault::kOther;  // for kTls
};

template <class T, class E = Error>
using Result = std::expected<T, E>;

inline std::unexpected<Error> Fail(Errc code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace upgate
