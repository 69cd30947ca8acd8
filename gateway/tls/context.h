#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/io/network.h"
#include "gateway/io/stream.h"

namespace upgate::tls {

// Buffers that every TLS stream of one loop shares: plaintext on its way up and records on their
// way down. An idle stream owns none of them. Make one per loop; it outlives the streams.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  struct Buffers;
  Buffers& buffers() { return *buffers_; }

 private:
  std::unique_ptr<Buffers> buffers_;
};

// The server side of a listener: certificates chosen by SNI among the names in them (exact before
// wildcard, the first where none fits), TLS 1.2 and 1.3, modern AEAD ciphers with forward secrecy,
// no renegotiation, no compression, ALPN "http/1.1" (no common protocol: no_application_protocol
// alert; a client without ALPN is fine), session tickets whose keys rotate, client certificates as
// configured. Immutable after Make except for the ticket keys; shared by all loops; thread-safe.
class ServerContext {
 public:
  // Reads every file named; the error names the one that is missing, unreadable, not PEM, or a key
  // that does not match its certificate, with its place in the configuration.
  static std::expected<std::shared_ptr<ServerContext>, std::vector<config::ConfigError>> Make(
      const config::ListenerTls& tls);
  virtual ~ServerContext() = default;

  // Makes a new ticket key; tickets of the last one are still taken (and renewed). Call about
  // hourly, from any thread.
  virtual void RotateTicketKeys() = 0;

  // TLS over `lower`, which is fresh from a listener. The handshake starts when reading is turned
  // on; OnBytes and OnEnd come only after it; a failed one is OnError with kTls. Truncation (FIN
  // without close_notify) is OnError with kReset. A handshake that is not over `handshake_timeout`
  // from now has failed; 0: no limit.
  virtual std::unique_ptr<io::ByteStream> Wrap(std::unique_ptr<io::ByteStream> lower,
                                               io::Millis handshake_timeout, io::Loop loop,
                                               Scratch& scratch) = 0;
};

// TLS towards the servers of a backend: verified against `ca` or the system's certificates and the
// server's name (or address) unless `verify` is off; SNI; our own certificate where one is
// configured. Shared by all loops; thread-safe.
class ClientContext {
 public:
  static std::expected<std::shared_ptr<ClientContext>, std::vector<config::ConfigError>> Make(
      const config::ClientTls& tls);
  virtual ~ClientContext() = default;

  // Runs the handshake over `lower`, which is connected. `server_name` is the host as configured,
  // for SNI and verification (the configured server_name takes its place). OnConnected gets the
  // stream once the server is verified; OnConnectFailed has kTls and says what was wrong with the
  // certificate. No timeout of its own.
  virtual std::unique_ptr<io::Pending> Handshake(std::unique_ptr<io::ByteStream> lower,
                                                 const std::string& server_name, io::Loop loop,
                                                 Scratch& scratch, io::ConnectHandler& handler) = 0;
};

// A throw-away certificate and key (ECDSA P-256, PEM, valid for 30 days from a day ago) for the
// given names and addresses, signed by itself. For `upgate demo` and tests.
struct SelfSigned {
  std::string cert_pem;
  std::string key_pem;
};
SelfSigned MakeSelfSigned(const std::vector<std::string>& names);

// "OpenSSL 3.0.19 ...", of the library that runs.
std::string LibraryVersion();

}  // namespace upgate::tls
