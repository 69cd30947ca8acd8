#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace upgate {

// What kind of failure it was, for whoever has to choose an answer (a status, a close code, a next
// server).
enum class Errc : std::uint8_t {
  kRefused,       // nobody listens there
  kUnreachable,   // no way there: no route, no such file
  kTimeout,       // no answer in time
  kReset,         // the peer broke the connection off
  kResolve,       // the name has no address
  kTls,           // handshake or certificate
  kProtocol,      // the peer broke the protocol
  kAddressInUse,  // listening: somebody else has the address
  kPermission,    // the system does not let us
  kLimit,         // out of descriptors, memory or a configured limit
  kOther,
};

// What a TLS handshake failed of, for whoever counts.
enum class TlsFault : std::uint8_t {
  kOther,
  kPlainHttp,    // the peer sent an HTTP request
  kNotTls,       // the peer sent something else
  kVersion,      // no version in common
  kCertificate,  // we do not accept the peer's
  kAlert,        // the peer refused; often it does not accept our certificate
  kGone,         // the connection ended meanwhile
  kTimeout,      // it took too long
};
inline constexpr std::size_t kTlsFaults = 8;

// A failure as a value. `message` is for a log or a console: one clause, lower case, no full stop,
// no secrets.
struct Error {
  Errc code = Errc::kOther;
  std::string message;
  TlsFault tls_fault = TlsFault::kOther;  // of kTls
};

template <class T, class E = Error>
using Result = std::expected<T, E>;

inline std::unexpected<Error> Fail(Errc code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace upgate
