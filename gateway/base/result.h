#pragma once

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

// A failure as a value. `message` is for a log or a console: one clause, lower case, no full stop,
// no secrets.
struct Error {
  Errc code = Errc::kOther;
  std::string message;
};

template <class T, class E = Error>
using Result = std::expected<T, E>;

inline std::unexpected<Error> Fail(Errc code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace upgate
