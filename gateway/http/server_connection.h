#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "gateway/http/exchange.h"
#include "gateway/io/memory.h"
#include "gateway/io/network.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"

namespace upgate::http {

// The bounds of one HTTP/1.1 client connection.
struct ServerLimits {
  std::size_t head_bytes =
      64 * 1024;  // request line and headers; over it 431 (414 when the target alone is over)
  std::size_t header_count = 100;  // over it 431
  // Fields with '_' in their names are kept. Servers that hand fields to programs as variables take
  // it for '-', so that they get two fields where one was meant.
  bool underscores = false;
  // From the first byte of a request to the end of its head; then 408. The handshake of a TLS
  // listener has as much.
  io::Millis head_timeout{10'000};
  io::Millis idle_timeout{
      60'000};  // between requests, and before the first; then closed without a word
  // Between two reads of a request body; then 408. For the whole rest of one that nobody wants.
  io::Millis body_timeout{60'000};
  // Bytes per second that a request body brings at least, or 408: body_grace runs down while the
  // gateway waits for the body, and what comes buys time at this rate, of which at most
  // body_timeout can be in hand. So a pause in a body that came fast is borne as long as
  // body_timeout, once. 0: any rate will do.
  std::uint64_t body_rate = 240;
  io::Millis body_grace{10'000};
  io::Millis linger_timeout{2'000};  // how long the last answer waits for the client's FIN
};

struct ServerOptions {
  ServerLimits limits;
  std::string server_name = "upgate";  // the Server header; empty: none
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
