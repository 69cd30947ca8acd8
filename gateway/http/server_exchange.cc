#include "gateway/http/server_exchange.h"

#include "gateway/base/text.h"
#include "gateway/http/http1_connection.h"

namespace upgate::http {
namespace {

constexpr std::string_view kUnsendable = "the answer had a status or a header that cannot be sent";

}  // namespace

ServerExchange::ServerExchange(Http1Connection& connection, Request request,
                               SocketAddress client_address)
    : connection_(&connection),
      request_(std::move(request)),
      client_address_(std::move(client_address)) {}

const io::TlsInfo* ServerExchange::tls() const {
  return connection_ == nullptr ? nullptr : connection_->stream().tls();
}

void ServerExchange::StartWriter() {
  writer_ = ResponseWriter(connection_->AnswerContext(request_));
}

Response ServerExchange::WithAnswerHeaders(Response response) const {
  for (const Header& header : answer_headers_) {
    if (!EqualsIgnoreCase(header.name, "vary")) response.headers.Remove(header.name);
  }
  for (const Header& header : answer_headers_) {
    const bool vary = EqualsIgnoreCase(header.name, "vary");
    if (vary && response.headers.HasToken("vary", header.value)) continue;
    response.headers.Add(header.name, header.value);
  }
  return response;
}

void ServerExchange::Respond(Response response) {
  if (connection_ == nullptr) return;
  if (head_sent_) return Abort();  // in the middle of another answer: neither can be completed
  StartWriter();
  response = WithAnswerHeaders(std::move(response));
  auto head = writer_.Head(response, {.bytes = response.body.size()});
  if (!head) {
    response = TextResponse(500, kUnsendable);
    head = writer_.Head(response, {.bytes = response.body.size()});
  }
  head_sent_ = true;
  if (writer_.has_body() && !response.body.empty()) {
    connection_->stream().Write({AsBytes(*head), AsBytes(response.body)});
  } else {
    connection_->stream().Write(AsBytes(*head));
  }
  connection_->OnHeadSent(response.status);
  connection_->OnAnswered(writer_.close());
}

void ServerExchange::SendHead(const Response& response, BodyLength length) {
  if (connection_ == nullptr || head_sent_) return;
  StartWriter();
  if (response.status < 200 && response.status != 101) {
    const std::string head = writer_.Interim(response);
    if (!head.empty()) connection_->stream().Write(AsBytes(head));
    if (response.status == 100) continued_ = true;
    return;
  }
  const auto head = answer_headers_.empty() ? writer_.Head(response, length)
                                            : writer_.Head(WithAnswerHeaders(response), length);
  if (!head) return Respond(TextResponse(500, kUnsendable));
  head_sent_ = true;
  connection_->stream().Write(AsBytes(*head));
  connection_->OnHeadSent(response.status);
  connection_->OnWritten();
}

void ServerExchange::SendBody(Bytes bytes) {
  if (connection_ == nullptr || !head_sent_) return;
  const ResponseWriter::Framed framed = writer_.Body(bytes);
  if (framed.slices().empty()) return;
  connection_->stream().Write(framed.slices());
  connection_->OnWritten();
}

void ServerExchange::EndBody(const Headers& trailers) {
  if (connection_ == nullptr || !head_sent_) return;
  const auto end = writer_.End(trailers);
  if (!end) return Abort();
  if (!end->empty()) connection_->stream().Write(AsBytes(*end));
  connection_->OnAnswered(writer_.close());
}

bool ServerExchange::congested() const {
  return connection_ != nullptr && connection_->stream().congested();
}

void ServerExchange::SetBodyReading(bool on) {
  if (connection_ == nullptr || body_reading_ == on) return;
  body_reading_ = on;
  connection_->OnBodyReading();
}

void ServerExchange::Abort() {
  if (connection_ != nullptr) connection_->Break();
}

Upgraded ServerExchange::Upgrade(const Response& response) {
  if (connection_ == nullptr) return {};
  // What follows a head with a body is the body, and not the new protocol yet.
  if (head_sent_ || request_.has_body) {
    Abort();
    return {};
  }
  const std::string answer = ResponseWriter::UpgradeHead(response) + response.body;
  connection_->stream().Write(AsBytes(answer));
  connection_->OnHeadSent(response.status);
  return connection_->HandOver();
}

void ServerExchange::SendContinue() {
  continued_ = true;
  connection_->stream().Write(AsBytes("HTTP/1.1 100 Continue\r\n\r\n"));
}

}  // namespace upgate::http
