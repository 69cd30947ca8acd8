#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gateway/base/address.h"
#include "gateway/base/bytes.h"
#include "gateway/base/ref.h"
#include "gateway/http/message.h"
#include "gateway/io/stream.h"

namespace upgate::http {

// What answers one request; made by RequestHandler::OnRequest and owned by the connection, which
// destroys it when the exchange is over: answered in full, upgraded, or the client is gone. So the
// destructor is where work for the client is cancelled. Same thread as the connection.
class ExchangeHandler : public io::Deletable {
 public:
  // A piece of the request's body, as it arrives; Exchange::SetBodyReading stops it for a while.
  virtual void OnBody(Bytes) {}
  // The request is complete, with its trailers (mostly none). Comes at once where there is no body.
  virtual void OnBodyEnd(const Headers& trailers) { (void)trailers; }
  // What SendBody queued has drained; see Exchange::congested.
  virtual void OnWritable() {}
  // What is held for this request beside what waits in the client's connection: a body that is
  // collected, what waits for a server. Entered in the loop's ledger (io::MemoryCharge).
  virtual std::size_t held_bytes() const { return 0; }
};

// How long the answer's body is (RFC 9112, section 6.3).
struct BodyLength {
  std::optional<std::uint64_t>
      bytes;  // nothing: chunked, or to the end of the connection for HTTP/1.0
};

// A connection handed over by an upgrade.
struct Upgraded {
  std::unique_ptr<io::ByteStream> stream;  // reading is off, no handler
  std::string early;                       // what the client sent behind its request head already
};

// One request and its answer, whatever HTTP version carries it. Owned by the connection; alive as
// long as its handler. Exactly one of Respond, SendHead … EndBody, Upgrade or Abort answers it. All
// may be called at once from inside OnRequest, or later. After the answer is complete the exchange
// and its handler are destroyed at the end of the turn, and calls on it do nothing.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const Request& request() const = 0;
  virtual SocketAddress client_address() const = 0;
  virtual const io::TlsInfo* tls() const = 0;  // nullptr when the client came without TLS

  // Fields for the head of the final answer, whoever gives it; each replaces all of its name that
  // the answer has by itself, but Vary, which is added to. Not for a 101.
  virtual void SetAnswerHeaders(Headers headers) = 0;

  // The whole answer. Date, Server (as configured), Content-Length and Connection are added where
  // they are missing. HEAD gets no body. A request body still under way is read to its end
  // (bounded) or the connection closes after the answer.
  virtual void Respond(Response response) = 0;

  // The answer in pieces. Transfer-Encoding and Content-Length come from `length`; 1xx may be sent
  // any number of times before, with the same call. `response.body` is ignored.
  virtual void SendHead(const Response& response, BodyLength length) = 0;
  virtual void SendBody(Bytes bytes) = 0;
  virtual void EndBody(const Headers& trailers = {}) = 0;
  // For those who send an answer in small pieces: what is sent after Gather may wait, to leave in
  // one write with what comes behind it. It goes when it gets large, with the end of the body, and
  // at Flush, which whoever called Gather calls in the same turn.
  virtual void Gather() {}
  virtual void Flush() {}
  // True while SendBody should wait for OnWritable.
  virtual bool congested() const = 0;
  // Stops and starts OnBody. Turning it on may call OnBody at once, for what has been read already.
  virtual void SetBodyReading(bool on) = 0;

  // The request's Upgrade, if it has one, changes nothing (RFC 9110, section 7.8): it does not want
  // one from now on, and the connection goes on behind the answer. Before the answer begins.
  virtual void IgnoreUpgrade() {}

  // Breaks the connection off in a way that the client can notice: for an answer that cannot be
  // completed any more.
  virtual void Abort() = 0;

  // Keeps something that the handler uses until the exchange is gone; one thing, the last.
  void Hold(Ref<RefCounted> used) { held_ = std::move(used); }

  // Sends exactly this head (a 101; nothing is added), and what stands in its body right behind it,
  // and hands over the connection. The handler that calls this is destroyed at the end of the turn.
  // No stream comes back when the exchange was over before, or its request had a body.
  virtual Upgraded Upgrade(const Response& response) = 0;

 private:
  Ref<RefCounted> held_;  // goes behind the handler, which belongs to the derived class
};

// Where requests go.
class RequestHandler {
 public:
  // The head is complete and sound. `exchange` outlives the returned handler. nullptr is allowed
  // when the exchange was answered inside the call.
  virtual std::unique_ptr<ExchangeHandler> OnRequest(Exchange& exchange) = 0;
  // A final answer or a 101 goes out with this status, also one that the connection gives by itself
  // (400, 408, 414, 431, …); for the counters.
  virtual void OnAnswer(int status) = 0;
  // The connection broke before or between requests, or TLS could not be agreed on; for the
  // counters.
  virtual void OnConnectionError(const Error& error) = 0;
  // Whether these clients have to go first when there is not enough memory (io::MemoryHolder).
  virtual bool expendable_clients() const { return false; }

 protected:
  ~RequestHandler() = default;
};

}  // namespace upgate::http
