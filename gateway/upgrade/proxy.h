#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/backend/http_pool.h"
#include "gateway/http/client_connection.h"
#include "gateway/http/exchange.h"
#include "gateway/io/timers.h"
#include "gateway/upgrade/gateway.h"

namespace upgate::upgrade {

// Relays one request to an HTTP or WebSocket server, and the response to the client. Bodies are
// streamed in both directions, with backpressure: each side is read only as fast as the other
// accepts. A WebSocket upgrade that the server accepts becomes a session; any other response is
// passed on as it is. Destroyed earlier if the client goes away, which aborts the request to the
// server. On the loop's thread.
class Gateway::Proxy final : public http::ExchangeHandler,
                             private backend::OpenHandler,
                             private io::Timer::Owner {
 public:
  // `admission` is for an upgrade that passed every policy, to WebSocket or to another protocol;
  // else nullptr, so that ordinary requests need not have room for it.
  Proxy(Gateway& gateway, http::Exchange& exchange, Ref<ListenerContext> listener,
        RouteContext& route, route::SeenAs seen, Onward onward,
        std::unique_ptr<Admission> admission);
  ~Proxy() override;

 private:
  // Forwards the callbacks of the connection to the server to the proxy.
  class ServerSide final : public http::ResponseHandler {
   public:
    explicit ServerSide(Proxy& proxy) : proxy_(proxy) {}
    void OnInterim(const http::Response& head) override { proxy_.OnInterim(head); }
    void OnHead(http::Response&& head, http::BodyLength length) override {
      proxy_.OnAnswer(std::move(head), length);
    }
    void OnBody(Bytes bytes) override { proxy_.OnAnswerBody(bytes); }
    void OnBodyEnd(const http::Headers& trailers) override { proxy_.OnAnswerEnd(trailers); }
    void OnReadDone() override { proxy_.exchange_.Flush(); }
    void OnUpgraded(const http::Response& head, http::Upgraded upgraded) override {
      proxy_.OnUpgraded(head, std::move(upgraded));
    }
    void OnRequestWritable() override { proxy_.exchange_.SetBodyReading(true); }
    void OnFailed(const Error& error, bool untouched) override {
      proxy_.OnServerFailed(error, untouched);
    }

   private:
    Proxy& proxy_;
  };

  // What the timer waits for.
  enum class Wait : std::uint8_t {
    kNothing,
    kContinue,   // 100 (Continue) from the server, for a bounded time
    kRequest,    // progress in sending the request body
    kFirstByte,  // the response head; for an upgrade, within the rest of connect_timeout
    kAnswer,     // progress in receiving the response body
  };

  void OnBody(Bytes bytes) override;
  void OnBodyEnd(const http::Headers& trailers) override;
  void OnWritable() override;
  std::size_t held_bytes() const override {
    return lease_.connection ? lease_.connection->held_bytes() : 0;
  }

  void OnOpened(backend::Opened opened) override;
  void OnOpenFailed(const backend::OpenError& error) override;
  std::string Greeting() override;

  void OnInterim(const http::Response& head);
  void OnAnswer(http::Response&& head, http::BodyLength length);
  void OnAnswerBody(Bytes bytes);
  void OnAnswerEnd(const http::Headers& trailers);
  void OnUpgraded(const http::Response& head, http::Upgraded upgraded);
  void OnServerFailed(const Error& error, bool untouched);

  void OnTimer(io::Timer& timer) override;

  void Connect();
  // A connection that belongs to the client's: see BoundConnections.
  std::optional<backend::Lease> TakeBound();
  void KeepConnection();
  void Send(backend::Lease lease);
  bool upgrades_to_websocket() const { return admission_ && admission_->protocol.empty(); }
  http::OutgoingRequest MakeRequest();
  void RemoveToken(http::OutgoingRequest& request) const;
  void NoteOffered(std::string extensions);
  http::Headers TranslatedFields();
  void OfferCompression(http::Headers& fields);
  std::optional<std::string> Agree(const http::Response& answer);
  bool MayRetry(bool untouched) const;
  // Whether the request can be sent to a server again without harm.
  bool IsRepeatable() const;
  // Gives a request that the server has failed to another one: where `reason` is among those that
  // the backend lists, there is another one, and the budget allows it.
  bool TryAnother(bool config::Retry::* reason);
  // Responds with an error or, if the response has begun, aborts the client's connection so that
  // the client notices.
  void Fail(int status, std::string_view what, std::string_view why);
  void CountOutcome(stats::HandshakeOutcome outcome);
  session::Asked WhatWasAsked() const;  // for the log
  void ReleaseServer();
  void Arm(Wait wait);
  io::Millis TimeFor(Wait wait) const;
  io::Millis TimeForHandshake() const;
  // What the server has not done in time, and the configuration key of that timeout.
  struct Overdue {
    std::string_view what;
    std::string_view key;
  };
  Overdue WhatIsOverdue(bool whole) const;

  Gateway& gateway_;
  http::Exchange& exchange_;
  const Ref<ListenerContext> listener_;
  const Ref<RouteContext> context_;
  const config::Route& route_;  // the context's
  const route::SeenAs seen_;
  const Onward onward_;
  const std::unique_ptr<Admission> admission_;
  backend::HttpPool& pool_;
  backend::Search search_;
  ServerSide server_side_;
  // Sec-WebSocket-Extensions sent to the server; nullptr: none. Not in this object, because malloc
  // is slower for objects of more than 1,032 bytes.
  std::unique_ptr<const std::string> offered_extensions_;
  // Set if the gateway offers compression of its own; reset if the server does not accept it.
  std::unique_ptr<session::Compression> server_compression_;
  std::unique_ptr<io::Pending> opening_;
  backend::Lease lease_;
  io::Timer timer_;
  Wait wait_ = Wait::kNothing;
  io::Instant started_;
  io::Instant connecting_since_{};  // start of the attempt that succeeded
  bool expects_continue_ = false;
  bool moved_ = false;         // progress since the timer was armed
  bool body_begun_ = false;    // of the request
  bool request_sent_ = false;  // completely
  bool answer_begun_ = false;
  bool retried_ = false;
  bool bound_ = false;    // the connection to the server belongs to the client's
  bool settled_ = false;  // the handshake's outcome is counted
};

}  // namespace upgate::upgrade
