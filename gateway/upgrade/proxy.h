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

// One request on its way through the gateway to an HTTP or WebSocket server, and the answer on its
// way back: bodies stream both ways, each side read only as fast as the other takes. A WebSocket
// upgrade that the server accepts becomes a session; any other answer goes to the client whole.
// Destroying it, because the client is gone, breaks off the request to the server.
class Gateway::Proxy final : public http::ExchangeHandler,
                             private backend::OpenHandler,
                             private io::Timer::Owner {
 public:
  // `admission` is there for a WebSocket upgrade that passed every policy.
  Proxy(Gateway& gateway, http::Exchange& exchange, Ref<ListenerContext> listener,
        RouteContext& route, route::SeenAs seen, std::optional<Admission> admission);
  ~Proxy() override;

 private:
  // The server's side; what it hears goes to the proxy.
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
    void OnRequestDrained() override { proxy_.exchange_.SetBodyReading(true); }
    void OnFailed(const Error& error, bool untouched) override {
      proxy_.OnServerFailed(error, untouched);
    }

   private:
    Proxy& proxy_;
  };

  // What the timer waits for.
  enum class Wait : std::uint8_t {
    kNothing,
    kContinue,   // 100 from the server, or the end of our patience for it
    kRequest,    // progress of the request's body
    kFirstByte,  // the head of the answer; for an upgrade the rest of connect_timeout
    kAnswer,     // progress of the answer's body
  };

  void OnBody(Bytes bytes) override;
  void OnBodyEnd(const http::Headers& trailers) override;
  void OnWritable() override;
  std::size_t held_bytes() const override {
    return lease_.connection ? lease_.connection->held_bytes() : 0;
  }

  void OnOpened(std::unique_ptr<io::ByteStream> stream, const backend::Server& server,
                io::Instant since) override;
  void OnOpenFailed(const backend::OpenError& error) override;

  void OnInterim(const http::Response& head);
  void OnAnswer(http::Response&& head, http::BodyLength length);
  void OnAnswerBody(Bytes bytes);
  void OnAnswerEnd(const http::Headers& trailers);
  void OnUpgraded(const http::Response& head, http::Upgraded upgraded);
  void OnServerFailed(const Error& error, bool untouched);

  void OnTimer(io::Timer& timer) override;

  void Connect();
  void Send(backend::Lease lease);
  http::OutgoingRequest MakeRequest();
  http::Headers TranslatedFields();
  void OfferCompression(http::Headers& fields);
  std::optional<std::string> Agree(const http::Response& answer);
  bool MayRetry(bool untouched) const;
  // Ends the exchange with a refusal, or, when the answer has begun, in a way that the client
  // notices.
  void Fail(int status, std::string_view what, std::string_view why);
  void Settle(stats::HandshakeOutcome outcome);
  void LetGo();
  void Arm(Wait wait);
  io::Millis TimeFor(Wait wait) const;
  io::Millis TimeForHandshake() const;
  // What the server has not done in time, and the key that says how long that is.
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
  std::optional<Admission> admission_;
  backend::HttpPool& pool_;
  ServerSide server_side_;
  std::string offered_extensions_;  // to the server
  std::unique_ptr<session::Compression>
      server_compression_;  // where we offered it ourselves, and then where it was agreed on
  std::unique_ptr<io::Pending> opening_;
  backend::Lease lease_;
  std::size_t server_ = 0;  // to connect to
  io::Timer timer_;
  Wait wait_ = Wait::kNothing;
  io::Instant started_;
  io::Instant connecting_since_{};  // to the server that was reached
  bool expects_continue_ = false;
  bool moved_ = false;         // since the timer was armed
  bool body_begun_ = false;    // of the request
  bool request_sent_ = false;  // whole
  bool answer_begun_ = false;
  bool retried_ = false;
  bool settled_ = false;  // the handshake's outcome is counted
};

}  // namespace upgate::upgrade
