#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "gateway/http/exchange.h"
#include "gateway/http/message.h"
#include "gateway/http/outgoing_fields.h"
#include "gateway/io/network.h"
#include "gateway/io/stream.h"

namespace upgate::http {

// Limits on what a server may send.
struct ClientLimits {
  std::size_t head_bytes = 64 * 1024;  // status line and headers; also the limit for trailers
  std::size_t header_count = 100;
  std::size_t interim_count = 16;  // 1xx heads before the final one
};

// A request to a server. Only the body framing is added, so `headers` must contain Host and all
// other fields, but not Content-Length, Transfer-Encoding, Connection or Upgrade (see `upgrade`).
struct OutgoingRequest {
  std::string method;
  std::string target;  // origin-form, or "*"
  OutgoingFields headers;
  bool has_body = false;
  BodyLength body;      // nullopt: chunked; ignored without a body
  std::string upgrade;  // the protocol to upgrade to ("websocket"); empty: none
};

// Receives the response to one request. Order: OnInterim any number of times, then OnHead, OnBody
// any number of times and OnBodyEnd; or OnUpgraded. OnFailed may come at any point before the end
// and is then the last call. Never called from inside a call on the connection.
class ResponseHandler {
 public:
  // A 1xx head other than 101.
  virtual void OnInterim(const Response& head) = 0;
  // `head.body` is empty; the handler may move from the head. `length` is that of the body to come:
  // 0 if there is none (HEAD, 204, 304), nullopt if it is not known in advance.
  virtual void OnHead(Response&& head, BodyLength length) = 0;
  virtual void OnBody(Bytes bytes) = 0;
  // The response is complete. `trailers` are as received; the chunked coding has been removed.
  virtual void OnBodyEnd(const Headers& trailers) = 0;
  // All available input has been delivered and the response is not complete. Called after any
  // OnHead or OnBody, later in the same turn, unless the response ends first.
  virtual void OnReadDone() {}
  // 101 to a request that asked for an upgrade. The caller now owns the connection;
  // `upgraded.early` holds the bytes received behind the head.
  virtual void OnUpgraded(const Response& head, Upgraded upgraded) = 0;
  // SendBody may continue; see congested().
  virtual void OnRequestWritable() = 0;
  // The connection failed, or the server violated the protocol, before the response was complete.
  // `untouched`: no byte of a response was received, so a safe request may be retried elsewhere.
  virtual void OnFailed(const Error& error, bool untouched) = 0;

 protected:
  ~ResponseHandler() = default;
};

// The client side of one HTTP/1.1 connection to a server (RFC 9112): one request at a time. Input
// that two parsers could interpret differently (two different lengths, length and chunked, folding,
// bare CR or LF, an unsolicited 101) fails with Errc::kProtocol; an unambiguous mistake (a length
// in a 1xx head, the same length twice) is repaired. Runs on its loop's thread. The owner keeps the
// connection while it is idle, too.
class ClientConnection : public io::Deletable {
 public:
  class Owner {
   public:
    // The server closed an idle connection or sent unsolicited bytes: it must not be used again.
    // Called once; destroy the connection through Turn::DeferDelete.
    virtual void OnIdleConnectionClosed(ClientConnection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  // Takes ownership of the connected stream. Everything else is borrowed and must outlive the
  // connection.
  static std::unique_ptr<ClientConnection> Start(std::unique_ptr<io::ByteStream> stream,
                                                 io::Loop loop, const ClientLimits& limits,
                                                 Owner& owner);

  // Sends the head (and the end of an empty body). One request at a time: only after the previous
  // request's OnBodyEnd. `handler` is borrowed until OnBodyEnd, OnUpgraded, OnFailed or Abort.
  // For a request that cannot be framed (it contains CR, LF or NUL), OnFailed is called in a later
  // turn.
  virtual void Send(const OutgoingRequest& request, ResponseHandler& handler) = 0;
  virtual void SendBody(Bytes bytes) = 0;
  virtual void EndBody(const Headers& trailers) = 0;
  virtual bool congested() const = 0;
  // Bytes buffered here in both directions; charged to the loop's memory ledger.
  virtual std::size_t held_bytes() const = 0;
  // Pauses and resumes OnBody.
  virtual void SetBodyReading(bool on) = 0;
  // Resets the connection, which cannot be used afterwards. No callback follows.
  virtual void Abort() = 0;

  // After OnBodyEnd: true if another request may be sent on this connection (both sides keep it
  // alive, the request was sent completely, and no input is left over).
  virtual bool reusable() const = 0;
  // For an idle connection: true if the server has sent data or FIN that has not been reported yet.
  // Check this before reuse, because such data would be taken for the response.
  virtual bool HasUnread() const = 0;
};

}  // namespace upgate::http
