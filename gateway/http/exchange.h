#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/address.h"
#include "gateway/base/bytes.h"
#include "gateway/base/ref.h"
#include "gateway/config/config.h"
#include "gateway/http/field_changes.h"
#include "gateway/http/message.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"

namespace upgate::http {

// Handles one request. Made by RequestHandler::OnRequest and owned by the connection, which
// destroys it when the exchange is over: answered completely, upgraded, or the client is gone. Work
// for the client is therefore cancelled in the destructor. Runs on the connection's thread.
class ExchangeHandler : public io::Deletable {
 public:
  // A piece of the request body, as it arrives; Exchange::SetBodyReading pauses delivery.
  virtual void OnBody(Bytes) {}
  // The request is complete, with its trailers (usually none). Called immediately if there is no
  // body.
  virtual void OnBodyEnd(const Headers& trailers) { (void)trailers; }
  // The bytes queued by SendBody have drained; see Exchange::congested.
  virtual void OnWritable() {}
  // Bytes held for this request in addition to those in the client's connection: a body that is
  // being collected, data waiting for a server. Charged to the loop's memory ledger
  // (io::MemoryCharge).
  virtual std::size_t held_bytes() const { return 0; }
};

// The length of a message body (RFC 9112, section 6.3).
struct BodyLength {
  // nullopt: chunked, or until the connection closes for HTTP/1.0
  std::optional<std::uint64_t> bytes;
};

// A request that is over, answered or not, as the log tells it. Borrowed by the call that gets it.
struct RequestSummary {
  const Request* request = nullptr;  // nullptr: it was malformed
  const SocketAddress& client;       // the peer of the connection
  std::string_view route = {};       // these two as its handler noted them
  std::string_view server = {};
  std::string_view user = {};  // the same; empty: nobody was authenticated
  // What takes the place of the path in logs, where that holds a secret; empty: nothing does. The
  // same for the host, which is left out then.
  std::string_view shown_path = {};
  bool hides_host = false;
  int status = 0;                // of the final response or 101; 0: none was sent
  std::uint64_t body_bytes = 0;  // of the response
  io::Millis duration{0};        // from the end of the request's head
  bool complete = false;         // the response was passed to the connection as a whole
  std::string_view why = {};     // it was refused by the connection itself
};

// A connection handed over by an upgrade.
struct Upgraded {
  std::unique_ptr<io::ByteStream> stream;  // reading is off, no handler
  std::string early;                       // bytes already received behind the request head
};

// One request and its response, independent of the HTTP version. Owned by the connection; lives as
// long as its handler. Exactly one of Respond, SendHead … EndBody, Upgrade or Abort answers it,
// either from inside OnRequest or later. Once the response is complete, the exchange and its
// handler are destroyed at the end of the turn, and calls on it do nothing.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const Request& request() const = 0;
  // To take out what must go no further, before anybody is handed the request.
  virtual Request& editable_request() = 0;
  virtual SocketAddress client_address() const = 0;
  // Where the client connected to.
  virtual SocketAddress local_address() const { return UnixPath{}; }
  // True if this is the first request of its connection.
  virtual bool first() const { return false; }
  virtual const io::TlsInfo* tls() const = 0;  // nullptr if the client connected without TLS

  // Fields for the head of the final response, whoever sends it. Each replaces all fields of the
  // same name in the response, except Vary, which is added. Not applied to a 101.
  virtual void SetAnswerHeaders(Headers headers) = 0;

  // Changes to the head of every response, whoever sends it, a 101 included; before the fields of
  // SetAnswerHeaders. Interim responses only lose fields.
  virtual void SetAnswerChanges(FieldChanges changes) = 0;

  // Fields for the head of every final response, whoever sends it, a 101 included; each replaces
  // those of the same name, after all other changes.
  virtual void SetOwnFields(Headers fields) = 0;

  // Allows the body of the response to be sent as gzip. Borrowed: outlives the exchange.
  virtual void SetCompression(const config::HttpCompression&) {}

  // A request body of more bytes is refused with 413, or the connection is aborted if the response
  // has begun.
  virtual void SetBodyLimit(std::uint64_t) {}

  // Sends the whole response. Adds Date, Server (as configured), Content-Length and Connection
  // where they are missing. No body is sent in response to HEAD. If the request body is still
  // arriving, it is read to its end (bounded), or the connection closes after the response.
  virtual void Respond(Response response) = 0;

  // Sends the response in pieces. Transfer-Encoding and Content-Length are derived from `length`.
  // 1xx responses may be sent before it with the same call, any number of times. `response.body` is
  // ignored.
  virtual void SendHead(const Response& response, BodyLength length) = 0;
  virtual void SendBody(Bytes bytes) = 0;
  virtual void EndBody(const Headers& trailers = {}) = 0;
  // For responses sent in small pieces: after Gather, output may be held back and combined with
  // what follows into one write. It is written when it becomes large, at the end of the body, and
  // at Flush. The caller of Gather must call Flush in the same turn.
  virtual void Gather() {}
  virtual void Flush() {}
  // True while the caller should wait for OnWritable before the next SendBody.
  virtual bool congested() const = 0;
  // Pauses and resumes OnBody. Resuming may call OnBody immediately with bytes already read.
  virtual void SetBodyReading(bool on) = 0;

  // Ignores the request's Upgrade field, if there is one (RFC 9110, section 7.8): wants_upgrade
  // becomes false, and the connection stays usable after the response. Only before the response
  // begins.
  virtual void IgnoreUpgrade() {}
  // The opposite, for an upgrade to another protocol than WebSocket: wants_upgrade becomes true.
  // Only for an HTTP/1.1 request without a body that asks for an upgrade.
  virtual void ExpectUpgrade() {}

  // Aborts the connection in a way that the client can detect, for a response that cannot be
  // completed.
  virtual void Abort() = 0;

  // Where a handler keeps what belongs to the client's connection and not to one request, for those
  // that follow. Destroyed with the connection, or when an upgrade takes that over. nullptr once
  // the exchange is over.
  virtual std::unique_ptr<io::Deletable>* connection_state() { return nullptr; }

  // Keeps something that the handler uses until the exchange is gone; one thing, the last.
  void Hold(Ref<RefCounted> used) { held_ = std::move(used); }

  // For RequestSummary. The texts live as long as the handler or what is held.
  void NoteRoute(std::string_view name) { route_ = name; }
  // What logs must not have of the request; see RequestSummary.
  void HideFromLog(std::string_view shown_path, bool host) {
    shown_path_ = shown_path;
    hides_host_ = host;
  }
  void NoteServer(std::string_view url) { server_ = url; }
  void NoteUser(std::string_view user) { user_ = user; }

  // Sends this head (a 101; nothing but the changes above is added) followed by its body, and hands
  // over the connection. The calling handler is destroyed at the end of the turn. Returns no stream
  // if the exchange was already over or its request has a body.
  virtual Upgraded Upgrade(const Response& response) = 0;

 protected:
  std::string_view noted_route() const { return route_; }
  std::string_view noted_server() const { return server_; }
  std::string_view noted_user() const { return user_; }
  std::string_view shown_path() const { return shown_path_; }
  bool hides_host() const { return hides_host_; }

 private:
  std::string_view route_;
  std::string_view server_;
  std::string_view user_;
  std::string_view shown_path_;
  bool hides_host_ = false;
  Ref<RefCounted> held_;  // goes behind the handler, which belongs to the derived class
};

// Receives the requests of a connection, and what is counted about it.
class RequestHandler {
 public:
  // The head is complete and valid. `exchange` outlives the returned handler. May return nullptr if
  // the exchange was answered inside the call.
  virtual std::unique_ptr<ExchangeHandler> OnRequest(Exchange& exchange) = 0;
  // A final response or a 101 with this status is being sent, including those that the connection
  // generates itself (400, 408, 414, 431, …). For counters.
  virtual void OnAnswer(int status) = 0;
  // A request is over, or none could be read. Its handler and what that uses are still there.
  virtual void OnRequestDone(const RequestSummary&) {}
  // The connection failed before or between requests, or the TLS handshake failed. For counters.
  virtual void OnConnectionError(const Error& error) = 0;
  // True if these clients are dropped first when memory runs out (io::MemoryHolder).
  virtual bool expendable_clients() const { return false; }

 protected:
  ~RequestHandler() = default;
};

}  // namespace upgate::http
