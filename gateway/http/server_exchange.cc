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
  if (!more_) return response;
  for (const Header& header : more_->own_fields) {
    response.headers.Remove(header.name);
    response.headers.Add(header.name, header.value);
  }
  return response;
}

bool ServerExchange::CountBody(std::size_t bytes) {
  if (!more_) return true;
  const bool fits = bytes <= more_->body_left;
  more_->body_left -= std::min<std::uint64_t>(bytes, more_->body_left);
  return fits;
}

bool ServerExchange::StartGzip(std::optional<std::uint64_t> length, Response& response) {
  if (!more_ || more_->compression == nullptr) return false;
  // The field is added, and the body sent as it is, if there is no memory.
  Response changed = response;
  const bool wanted = PrepareGzip(request_, *more_->compression, length, changed);
  if (wanted && request_.method != "HEAD") {
    if (!connection_->memory_is_short())
      more_->gzip = GzipBody::Make(more_->compression->level, &connection_->memory());
    if (!more_->gzip) return false;
  }
  response = std::move(changed);
  return wanted;
}

// Sends what the compressor has put out.
void ServerExchange::WriteCompressed() {
  const std::string out = std::exchange(more_->compressed, {});
  if (out.empty()) return;
  body_bytes_ += out.size();
  const ResponseWriter::Framed framed = writer_.Body(AsBytes(out));
  if (!framed.slices().empty()) Write(framed.slices(), writer_.has_end());
}

BodyLength ServerExchange::CompressWhole(Response& response) {
  if (!StartGzip(response.body.size(), response)) return {.bytes = response.body.size()};
  if (!more_->gzip) return {};  // HEAD
  std::string compressed;
  more_->gzip->Add(AsBytes(response.body), compressed);
  more_->gzip->Finish(compressed);
  more_->gzip.reset();
  connection_->Spend(response.body.size());
  response.body = std::move(compressed);
  return {.bytes = response.body.size()};
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
  if (response.status >= 400) connection_->ApplyErrorPage(request_, response);
  response = WithAnswerHeaders(std::move(response));
  const BodyLength length = CompressWhole(response);
  auto head = writer_.Head(response, length);
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
  std::optional<std::string> head;
  if (answer_headers_.empty() && !answer_changes_ && !more_) {
    head = writer_.Head(response, length);
  } else {
    Response changed = WithAnswerHeaders(response);
    if (StartGzip(length.bytes, changed)) length = {};
    head = writer_.Head(changed, length);
  }
  if (!head) return Respond(TextResponse(500, kUnsendable));
  head_sent_ = true;
  status_ = response.status;
  gathered_ = std::move(*head);  // written before everything else
  if (!gathering_) Write({}, false);
  connection_->OnHeadSent(response.status);
}

void ServerExchange::SendBody(Bytes bytes) {
  if (connection_ == nullptr || !head_sent_) return;
  if (more_ && more_->gzip) {
    more_->gzip->Add(bytes, more_->compressed);
    connection_->Spend(bytes.size());
    if (!gathering_) more_->gzip->Flush(more_->compressed);
    return WriteCompressed();
  }
  body_bytes_ += bytes.size();
  const ResponseWriter::Framed framed = writer_.Body(bytes);
  if (!framed.slices().empty()) Write(framed.slices(), writer_.has_end());
}

void ServerExchange::EndBody(const Headers& trailers) {
  if (connection_ == nullptr || !head_sent_) return;
  if (more_ && more_->gzip) {
    more_->gzip->Finish(more_->compressed);
    more_->gzip.reset();
    WriteCompressed();
    if (connection_ == nullptr) return;
  }
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
  if (connection_ != nullptr && gathering_ && more_ && more_->gzip) {
    more_->gzip->Flush(more_->compressed);
    WriteCompressed();
  }
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
  if (answer_changes_ || more_) {
    Response changed = response;
    if (answer_changes_) answer_changes_->Apply(changed.headers);
    if (more_) {
      for (const Header& header : more_->own_fields) {
        changed.headers.Remove(header.name);
        changed.headers.Add(header.name, header.value);
      }
    }
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
