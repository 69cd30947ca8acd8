#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/http/error_pages.h"
#include "gateway/http/exchange.h"
#include "gateway/io/memory.h"
#include "gateway/io/network.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"

namespace upgate::http {

// Limits of one HTTP/1.1 client connection.
struct ServerLimits {
  // Request line and headers; 431 above it (414 if the target alone exceeds it).
  std::size_t head_bytes = 64 * 1024;
  std::size_t header_count = 100;  // 431 above it
  // Keeps fields whose names contain '_'. Servers that pass fields to programs as variables treat
  // it as '-', so two fields would collide there.
  bool underscores = false;
  // From the first byte of a request to the end of its head; then 408. Also the limit for the
  // handshake of a TLS listener.
  io::Millis head_timeout{10'000};
  // Between requests, and before the first; then closed silently.
  io::Millis idle_timeout{60'000};
  // Between two reads of a request body; then 408. For an unwanted body: for all of the rest.
  io::Millis body_timeout{60'000};
  // Minimum rate of a request body, in bytes per second; below it 408. While the gateway waits for
  // the body, a time budget that starts at body_grace runs down; received bytes extend it at this
  // rate, up to body_timeout (or body_grace if that is longer). So a fast body may pause once for
  // as long as body_timeout. 0: no minimum.
  std::uint64_t body_rate = 240;
  io::Millis body_grace{10'000};
  io::Millis linger_timeout{
      2'000};  // how long to wait for the client's FIN after the last response
};

struct ServerOptions {
  ServerLimits limits;
  std::string server_name = "upgate";                  // the Server header; empty: none
  std::shared_ptr<const ErrorPages> error_pages = {};  // nullptr: none
};

// The server side of one HTTP/1.1 client (RFC 9112): reads requests, checks them, hands each to
// `handler` and writes the answers in the order of the requests; one request at a time is with the
// handler, pipelined ones wait (bounded). Runs on its loop's thread.
class ServerConnection : public io::Deletable, public io::MemoryHolder {
 public:
  class Owner {
   public:
    // The connection has ended, or was handed over by an upgrade. Once; destroy it through
    // Turn::DeferDelete.
    virtual void OnConnectionDone(ServerConnection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  // Takes the stream and starts reading. Everything else is borrowed and outlives the connection.
  static std::unique_ptr<ServerConnection> Start(std::unique_ptr<io::ByteStream> stream,
                                                 io::Loop loop, const ServerOptions& options,
                                                 RequestHandler& handler, Owner& owner);

  // For a gateway that stops: idle connections end at once, busy ones answer with Connection: close
  // and end after it, without much waiting for the client's FIN.
  virtual void Drain() = 0;

 protected:
  using io::MemoryHolder::MemoryHolder;
};

}  // namespace upgate::http
