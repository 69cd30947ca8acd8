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

// The bounds of what a server may send.
struct ClientLimits {
  std::size_t head_bytes = 64 * 1024;  // status line and headers, and trailers
  std::size_t header_count = 100;
  std::size_t interim_count = 16;  // 1xx heads before the final one
};

// A request as it goes out. Nothing is added but the framing of the body, so `headers` has Host and
// everything else; it has no Content-Length, Transfer-Encoding, Connection or Upgrade (see
// `upgrade`).
struct OutgoingRequest {
  std::string method;
  std::string target;  // origin-form, or "*"
  OutgoingFields headers;
  bool has_body = false;
  BodyLength body;      // of a body: its length, or chunked where there is none
  std::string upgrade;  // the protocol asked for ("websocket"); empty: none
};

// What comes back for one request. Order: OnInterim any number of times, then OnHead, OnBody any
// number of times and OnBodyEnd; or OnUpgraded; or, at any point before the end, OnFailed, which is
// the last. Never called from inside a call on the connection.
class ResponseHandler {
 public:
  // A 1xx head other than 101.
  virtual void OnInterim(const Response& head) = 0;
  // `head.body` is empty, and the handler may take the head to pieces. `length`: of the body to
  // come; 0 where there is none (HEAD, 204, 304), nothing: not known before its end.
  virtual void OnHead(Response&& head, BodyLength length) = 0;
  virtual void OnBody(Bytes bytes) = 0;
  // The answer is complete. Hop-by-hop framing has been taken off; trailers are as sent.
  virtual void OnBodyEnd(const Headers& trailers) = 0;
  // All that can be told now has been, and the answer is not over. Comes behind every OnHead and
  // OnBody, sooner or later in the same turn, unless something that ends the answer comes first.
  virtual void OnReadDone() {}
  // 101 to a request that asked for an upgrade: the connection is the caller's now,
  // `upgraded.early` is what came behind the head.
  virtual void OnUpgraded(const Response& head, Upgraded upgraded) = 0;
  // SendBody may go on; see congested().
  virtual void OnRequestDrained() = 0;
  // The connection broke, or the server broke the protocol, before the answer was complete.
  // `untouched`: not a byte of an answer had come, so that a safe request may be sent again
  // elsewhere.
  virtual void OnFailed(const Error& error, bool untouched) = 0;

 protected:
  ~ResponseHandler() = default;
};

// The client side of one HTTP/1.1 connection to a server (RFC 9112): one request at a time.
// Anything on which two parsers could disagree (two lengths that differ, length and chunked,
// folding, bare CR or LF, a 101 nobody asked for) is a failure with Errc::kProtocol; a slip that
// can be read in one way only (a length in a 1xx head, one length twice) is healed. Runs on its
// loop's thread; used by its owner, which keeps it while it is idle, too.
class ClientConnection : public io::Deletable {
 public:
  class Owner {
   public:
    // An idle connection was closed by the server, or sent something without being asked: it must
    // not be used again. Once; destroy it through Turn::DeferDelete.
    virtual void OnIdleConnectionLost(ClientConnection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  // Takes the connected stream. Everything else is borrowed and outlives the connection.
  static std::unique_ptr<ClientConnection> Start(std::unique_ptr<io::ByteStream> stream,
                                                 io::Loop loop, const ClientLimits& limits,
                                                 Owner& owner);

  // Sends the head (and an empty body's end). One request at a time: not before the last one's
  // OnBodyEnd. `handler` is borrowed until OnBodyEnd, OnUpgraded, OnFailed or Abandon. A request
  // that cannot be framed (CR, LF or NUL in it) is OnFailed, later.
  virtual void Send(const OutgoingRequest& request, ResponseHandler& handler) = 0;
  virtual void SendBody(Bytes bytes) = 0;
  virtual void EndBody(const Headers& trailers) = 0;
  virtual bool congested() const = 0;
  // What waits here, both ways; entered in the loop's ledger.
  virtual std::size_t held_bytes() const = 0;
  // Stops and starts OnBody.
  virtual void SetBodyReading(bool on) = 0;
  // The handler wants no more; the connection is of no use after this. Nothing is called any more.
  virtual void Abandon() = 0;

  // After OnBodyEnd: whether another request may go out on this connection (both sides keep it
  // alive, the request was sent whole, and no byte was left over).
  virtual bool reusable() const = 0;
  // Of an idle connection: whether the server has sent or ended something that was not told yet. To
  // be asked before it is used again, because what comes then would be taken for the answer.
  virtual bool HasUnread() const = 0;
};

}  // namespace upgate::http
