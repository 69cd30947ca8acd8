#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/io/network.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"
#include "gateway/tls/loaded_files.h"

namespace upgate::tls {

// Buffers shared by all TLS streams of one loop: decrypted input, and records to be sent. An idle
// stream uses none of them. One per loop; must outlive the streams.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  struct Buffers;
  Buffers& buffers() { return *buffers_; }

  // One handshake that is under way on the loop. Those in the role of the server are in a list, in
  // the order in which they began to wait for their clients' next flight.
  class UnderWay {
   public:
    class Owner {
     public:
      // The handshake must fail now, to make room for others.
      virtual void OnNoRoom() = 0;

     protected:
      ~Owner() = default;
    };

    // Begins to wait for a client.
    UnderWay(Scratch& scratch, io::Instant now, Owner& owner);
    ~UnderWay();
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

    // The gateway is the client.
    void BeClient() { Unlink(); }
    // It is over.
    void Leave();
    // Whether there is input from the peer that has not been processed.
    void SetWorking(bool on);
    // The client has something new to answer; bytes that complete nothing do not count.
    void OnFlight(io::Instant now);

   private:
    friend class Scratch;
    void Link(io::Instant now);
    void Unlink();

    Scratch& scratch_;
    Owner& owner_;
    UnderWay* before_ = nullptr;
    UnderWay* after_ = nullptr;
    io::Instant since_{};
    bool listed_ = false;
    bool working_ = false;
  };

  // Handshakes with input to be processed, in either role.
  std::size_t working_handshakes() const { return working_; }
  // Handshakes of clients.
  std::size_t client_handshakes() const { return listed_; }
  // Ends the handshake that has waited longest for its client, if that is at least `patience`.
  // Returns whether it did.
  bool EndStalled(io::Instant now, io::Millis patience);

 private:
  std::unique_ptr<Buffers> buffers_;
  UnderWay* oldest_ = nullptr;
  UnderWay* newest_ = nullptr;
  std::size_t listed_ = 0;
  std::size_t working_ = 0;
};

// The server side of a listener: certificates selected by SNI from their names (exact before
// wildcard, the first if none matches), TLS 1.2 and 1.3, AEAD ciphers with forward secrecy, no
// renegotiation, no compression, ALPN "http/1.1" (without a common protocol:
// no_application_protocol alert; clients without ALPN are accepted), session tickets with rotated
// keys, client certificates as configured. Immutable after Make except for the ticket keys; shared
// by all loops; thread-safe.
class ServerContext {
 public:
  // Reads all files. The errors name files that are missing, unreadable or not PEM, and keys that
  // do not match their certificates, with their places in the configuration.
  static std::expected<std::shared_ptr<ServerContext>, std::vector<config::ConfigError>> Make(
      const config::ListenerTls& tls);
  virtual ~ServerContext() = default;

  // Creates a new ticket key; tickets of the previous one are still accepted (and renewed). Call
  // about once an hour, from any thread.
  virtual void RotateTicketKeys() = 0;

  // For a context that replaces `previous`: both have the same ticket keys from now on, so that
  // clients can resume their sessions, and rotating the keys of one rotates those of the other.
  // Changes nothing if the contexts treat client certificates differently, because a resumed
  // session is not verified again. Call it before the context is used.
  virtual void ShareTicketKeys(const ServerContext& previous) = 0;

  virtual const LoadedFiles& files() const = 0;

  // TLS over `lower`, a stream directly from a listener. The handshake starts when reading is
  // turned on; OnBytes and OnEnd come only after it; a failed handshake is OnError with kTls.
  // Truncation (FIN without close_notify) is OnError with kReset. The handshake fails if it is not
  // complete within `handshake_timeout`; 0: no limit.
  virtual std::unique_ptr<io::ByteStream> Wrap(std::unique_ptr<io::ByteStream> lower,
                                               io::Millis handshake_timeout, io::Loop loop,
                                               Scratch& scratch) = 0;
};

// TLS towards the servers of a backend: verified against `ca` or the system's CA certificates and
// the server's name (or address) unless `verify` is off; SNI; a client certificate if configured.
// Shared by all loops; thread-safe.
class ClientContext {
 public:
  static std::expected<std::shared_ptr<ClientContext>, std::vector<config::ConfigError>> Make(
      const config::ClientTls& tls);
  virtual ~ClientContext() = default;

  // The system's CA certificates are not part of it.
  virtual const LoadedFiles& files() const = 0;

  // Performs the handshake over `lower`, which must be connected. `server_name` is the host as
  // configured, for SNI and verification (overridden by the configured server_name). OnConnected
  // gets the stream once the server is verified; OnConnectFailed gets kTls and a description of the
  // problem. Has no timeout.
  virtual std::unique_ptr<io::Pending> Handshake(std::unique_ptr<io::ByteStream> lower,
                                                 const std::string& server_name, io::Loop loop,
                                                 Scratch& scratch, io::ConnectHandler& handler) = 0;
};

// A temporary self-signed certificate and key (ECDSA P-256, PEM, valid for 30 days starting one day
// ago) for the given names and addresses. For `upgate demo` and tests.
struct SelfSigned {
  std::string cert_pem;
  std::string key_pem;
};
SelfSigned MakeSelfSigned(const std::vector<std::string>& names);

// Version of the OpenSSL library in use: "OpenSSL 3.0.19 ...".
std::string LibraryVersion();

}  // namespace upgate::tls
