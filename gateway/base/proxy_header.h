#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/address.h"
#include "gateway/base/bytes.h"

namespace upgate {

// The PROXY protocol, versions 1 and 2, as HAProxy defines it (proxy-protocol.txt): a header that a
// proxy sends first on a connection and that says whose connection it relays. No I/O.

// What a header says about a connection.
struct ProxyHeader {
  // Nothing where the connection is the proxy's own (LOCAL), or where it does not say whose it is
  // (UNKNOWN, AF_UNSPEC): then the addresses of the connection itself hold. Both or neither.
  std::optional<SocketAddress> source;
  std::optional<SocketAddress> destination;
  friend bool operator==(const ProxyHeader&, const ProxyHeader&) = default;
};

// Why a connection has no header that can be believed. The names used in statistics are in
// stats::kProxyFaultNames.
enum class ProxyFault : std::uint8_t {
  kUntrusted,  // the peer is not a trusted proxy
  kAbsent,     // it begins with something else
  kMalformed,
  kChecksum,  // the CRC32c in it is wrong
  kTimeout,   // it did not come in time
  kGone,      // the connection ended before it was complete
};
inline constexpr std::size_t kProxyFaults = 6;

struct ProxyError {
  ProxyFault fault = ProxyFault::kMalformed;
  std::string_view reason;  // for a log; static
};

// The longest header that is accepted: that of version 1 is at most 107 bytes, that of version 2
// has optional fields (TLVs), such as the client's certificate.
inline constexpr std::size_t kMaxProxyHeader = 16 * 1024;

// Reads one header, in pieces of any size. Keeps at most kMaxProxyHeader bytes between calls. After
// the header or an error it must not be called again.
class ProxyHeaderParser {
 public:
  // Consumes from the front of `input`, never a byte behind the header. nullopt: it needs more
  // bytes, and all were consumed.
  std::expected<std::optional<ProxyHeader>, ProxyError> Next(Bytes& input);

  std::size_t held_bytes() const { return kept_.capacity(); }

 private:
  std::string kept_;
};

// True if `bytes` are the beginning of a PROXY header, of either version, and enough of it to tell
// it from anything else.
bool LooksLikeProxyHeader(std::string_view bytes);

// What to say of one that comes to a listener without proxy_protocol.
inline constexpr std::string_view kUnexpectedProxyHeader =
    "a PROXY protocol header was sent to a listener that does not expect one: set proxy_protocol: "
    "required and trusted_proxies for it, or let the proxy send none";

// What a header of version 2 says besides the addresses. Empty: left out.
struct ProxyFacts {
  std::optional<SocketAddress> source;  // nullopt: of nobody, the connection is our own (LOCAL)
  SocketAddress destination;
  std::string_view alpn;
  std::string_view authority;  // SNI
  struct Tls {
    std::string_view version;  // "TLSv1.3"
    std::string_view cipher;
    std::string_view client_name;     // the common name of the client's certificate
    bool client_certificate = false;  // presented, and verified
  };
  std::optional<Tls> tls;      // of the client's connection; nullopt: there was none
  std::string_view unique_id;  // at most 128 bytes
  std::string_view user = {};  // whom authentication has found, in a TLV of the custom type 0xe0
};

// The header of version 1: UNKNOWN where there is no source or where it is not an IP address.
std::string EncodeProxyV1(const ProxyFacts& facts);
// The header of version 2, with a CRC32c. Values that are too long for it are left out.
std::string EncodeProxyV2(const ProxyFacts& facts);

// CRC-32C (Castagnoli; RFC 3720, appendix B.4).
std::uint32_t Crc32c(Bytes bytes);

}  // namespace upgate
