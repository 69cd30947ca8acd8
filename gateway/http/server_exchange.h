#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "gateway/http/exchange.h"
#include "gateway/http/gzip_body.h"
#include "gateway/http/response_writer.h"

namespace upgate::http {

class Http1Connection;

// One request on an HTTP/1.1 connection: enforces the order of the response's parts and writes them
// to the connection's stream. Owns its handler. Detached from the connection once answered,
// upgraded or cancelled; after that every call does nothing.
class ServerExchange final : public Exchange, public io::Deletable {
 public:
  ServerExchange(Http1Connection& connection, Request&& request, SocketAddress client_address,
                 bool first, io::Instant began);

  // Exchange:
  const Request& request() const override { return request_; }
  Request& editable_request() override { return request_; }
  SocketAddress client_address() const override { return client_address_; }
  SocketAddress local_address() const override;
  bool first() const override { return first_; }
  const io::TlsInfo* tls() const override;
  void SetAnswerHeaders(Headers headers) override { answer_headers_ = std::move(headers); }
  void SetAnswerChanges(FieldChanges changes) override {
    answer_changes_ = std::make_unique<const FieldChanges>(std::move(changes));
  }
  void SetOwnFields(Headers fields) override { more().own_fields = std::move(fields); }
  void SetCompression(const config::HttpCompression& settings) override {
    more().compression = &settings;
  }
  void SetBodyLimit(std::uint64_t bytes) override { more().body_left = bytes; }
  void Respond(Response response) override;
  void SendHead(const Response& response, BodyLength length) override;
  void SendBody(Bytes bytes) override;
  void EndBody(const Headers& trailers) override;
  void Gather() override { gathering_ = true; }
  void Flush() override;
  bool congested() const override;
  void SetBodyReading(bool on) override;
  void IgnoreUpgrade() override { request_.wants_upgrade = false; }
  void ExpectUpgrade() override { request_.wants_upgrade = true; }
  void Abort() override;
  Upgraded Upgrade(const Response& response) override;
  std::unique_ptr<io::Deletable>* connection_state() override;

  // For the connection:
  // Also allowed after Detach: the exchange keeps the handler alive until it is destroyed itself.
  void Adopt(std::unique_ptr<ExchangeHandler> handler) { handler_ = std::move(handler); }
  ExchangeHandler* handler() const { return handler_.get(); }
  void Detach() { connection_ = nullptr; }
  // For an exchange that is not answered immediately: measures the memory that its request takes.
  void Measure();
  std::size_t request_bytes() const { return request_bytes_; }
  bool attached() const { return connection_ != nullptr; }
  bool body_reading() const { return body_reading_; }
  bool head_sent() const { return head_sent_; }
  RequestSummary Summary(io::Instant now) const;
  // Counts what has arrived of the request body; false if that is too much.
  bool CountBody(std::size_t bytes);
  // 100 Continue was sent, or a final response made it unnecessary.
  bool continued() const { return continued_ || head_sent_; }
  void SendContinue();

 private:
  void StartWriter();
  // Appends the slices to the gathered bytes, and writes them all unless they may be held back.
  void Write(std::span<const Bytes> slices, bool more_to_come);
  // What few requests need.
  struct More {
    Headers own_fields;
    const config::HttpCompression* compression = nullptr;  // nullptr: none
    std::unique_ptr<GzipBody> gzip;                        // of the response that is being sent
    std::string compressed;                                // a buffer; empty between calls
    std::uint64_t body_left = ~std::uint64_t{0};
  };
  More& more() {
    if (!more_) more_ = std::make_unique<More>();
    return *more_;
  }

  // Begins to compress, if that was allowed and the client takes it. Changes the head.
  bool StartGzip(std::optional<std::uint64_t> length, Response& response);
  void WriteCompressed();
  // The same for a whole response. Returns the length to announce.
  BodyLength CompressWhole(Response& response);
  Response WithAnswerHeaders(Response response) const;
  Response WithoutDropped(Response response) const;

  Http1Connection* connection_;
  Request request_;
  const SocketAddress client_address_;
  Headers answer_headers_;
  std::unique_ptr<const FieldChanges> answer_changes_;  // nullptr: none
  std::unique_ptr<More> more_;
  ResponseWriter writer_;
  std::string gathered_;
  std::size_t request_bytes_ = 0;
  const io::Instant began_;
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  const bool first_;
  bool gathering_ = false;
  bool body_reading_ = true;
  bool head_sent_ = false;
  bool continued_ = false;
  bool complete_ = false;
  std::unique_ptr<ExchangeHandler> handler_;  // last: destroyed before what it uses
};

}  // namespace upgate::http
