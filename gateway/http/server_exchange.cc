#include "gateway/http/server_exchange.h"

#include <algorithm>
#include <array>

#include "gateway/base/text.h"
#include "gateway/http/http1_connection.h"

namespace upgate::http {
namespace {

constexpr std::string_view kUnsendable =
    "the response has a status or a header that cannot be sent";

// Above this size, a copy costs more than the system call that it saves.
constexpr std::size_t kMaxGathered = 16 * 1024;
// Up to this size, copying is cheaper than a gathered write.
constexpr std::size_t kMaxJoined = 2 * 1024;

}  // namespace

ServerExchange::ServerExchange(Http1Connection& connection, Request&& request,
                               SocketAddress client_address, bool first, io::Instant began)
    : connection_(&connection),
      request_(std::move(request)),
      client_address_(std::move(client_address)),
      began_(began),
      first_(first) {}

RequestSummary ServerExchange::Summary(io::Instant now) const {
  return {.request = &request_,
          .client = client_address_,
          .route = noted_route(),
          .server = noted_server(),
          .user = noted_user(),
          .shown_path = shown_path(),
          .hides_host = hides_host(),
          .status = status_,
          .body_bytes = body_bytes_,
          .duration = now - began_,
          .complete = complete_,
          .why = {}};
}

void ServerExchange::Measure() {
  request_bytes_ = sizeof(*this);
  for (const Header& header : request_.headers)
    request_bytes_ += sizeof header + io::HeapBytes(header.name) + io::HeapBytes(header.value);
}

const io::TlsInfo* ServerExchange::tls() const {
  return connection_ == nullptr ? nullptr : connection_->stream().tls();
}

SocketAddress ServerExchange::local_address() const {
  return connection_ == nullptr ? UnixPath{} : connection_->stream().local_address();
}

std::unique_ptr<io::Deletable>* ServerExchange::connection_state() {
  return connection_ == nullptr ? nullptr : &connection_->handlers_state();
}

void ServerExchange::StartWriter() {
  writer_ = ResponseWriter(connection_->AnswerContext(request_));
}

Response ServerExchange::WithAnswerHeaders(Response response) const {
  if (answer_changes_) answer_changes_->Apply(response.headers);
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

Response ServerExchange::WithoutDropped(Response response) const {
  if (answer_changes_)
    response.headers.Filter([&](const Header& h) { return !answer_changes_->Drops(h.name); });
  return response;
}

void ServerExchange::Respond(Response response) {
  if (connection_ == nullptr) return;
  if (head_sent_) return Abort();  // in the middle of another response: neither can be completed
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
    connection_->Spend(response.body.size());
    body_bytes_ = response.body.size();
  } else {
    connection_->stream().Write(AsBytes(*head));
  }
  status_ = response.status;
  complete_ = true;
  connection_->OnHeadSent(response.status);
  connection_->OnAnswered(writer_.close());
}

void ServerExchange::SendHead(const Response& response, BodyLength length) {
  if (connection_ == nullptr || head_sent_) return;
  StartWriter();
  if (response.status < 200 && response.status != 101) {
    const std::string head = writer_.Interim(WithoutDropped(response));
    if (!head.empty()) connection_->stream().Write(AsBytes(head));
    if (response.status == 100) continued_ = true;
    return;
  }
  auto head = answer_headers_.empty() && !answer_changes_
                  ? writer_.Head(response, length)
                  : writer_.Head(WithAnswerHeaders(response), length);
  if (!head) return Respond(TextResponse(500, kUnsendable));
  head_sent_ = true;
  status_ = response.status;
  gathered_ = std::move(*head);  // written before everything else
  if (!gathering_) Write({}, false);
  connection_->OnHeadSent(response.status);
}

void ServerExchange::SendBody(Bytes bytes) {
  if (connection_ == nullptr || !head_sent_) return;
  body_bytes_ += bytes.size();
  const ResponseWriter::Framed framed = writer_.Body(bytes);
  if (!framed.slices().empty()) Write(framed.slices(), writer_.has_end());
}

void ServerExchange::EndBody(const Headers& trailers) {
  if (connection_ == nullptr || !head_sent_) return;
  const auto end = writer_.End(trailers);
  if (!end) return Abort();
  gathering_ = false;
  const Bytes bytes = AsBytes(*end);
  if (!end->empty() || !gathered_.empty()) Write({&bytes, 1}, false);
  complete_ = true;
  connection_->OnAnswered(writer_.close());
}

void ServerExchange::Write(std::span<const Bytes> slices, bool more_to_come) {
  std::size_t size = gathered_.size();
  for (const Bytes slice : slices) size += slice.size();
  const bool keep = gathering_ && more_to_come && size <= kMaxGathered;
  if (keep || (!gathered_.empty() && size <= kMaxJoined)) {
    for (const Bytes slice : std::exchange(slices, {})) Append(gathered_, slice);
  }
  if (keep) return;
  connection_->Spend(size);
  if (gathered_.empty()) {
    connection_->stream().Write(slices);
  } else {
    std::array<Bytes, 1 + BodyWriter::Framed::kMaxSlices> all{AsBytes(gathered_)};
    std::ranges::copy(slices, all.begin() + 1);
    connection_->stream().Write(std::span(all).first(1 + slices.size()));
    std::string().swap(gathered_);  // frees the memory; clear() would not
  }
  connection_->OnWritten();
}

void ServerExchange::Flush() {
  gathering_ = false;
  if (connection_ != nullptr && !gathered_.empty()) Write({}, false);
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
  if (connection_ == nullptr) return;
  Flush();
  connection_->Abort();
}

Upgraded ServerExchange::Upgrade(const Response& response) {
  if (connection_ == nullptr) return {};
  // What follows a head with a body is the body, not the new protocol.
  if (head_sent_ || request_.has_body) {
    Abort();
    return {};
  }
  std::string answer;
  if (answer_changes_) {
    Response changed = response;
    answer_changes_->Apply(changed.headers);
    answer = ResponseWriter::UpgradeHead(changed);
  } else {
    answer = ResponseWriter::UpgradeHead(response);
  }
  answer += response.body;
  connection_->stream().Write(AsBytes(answer));
  status_ = response.status;
  complete_ = true;
  connection_->OnHeadSent(response.status);
  return connection_->HandOver();
}

void ServerExchange::SendContinue() {
  continued_ = true;
  connection_->stream().Write(AsBytes("HTTP/1.1 100 Continue\r\n\r\n"));
}

}  // namespace upgate::http
