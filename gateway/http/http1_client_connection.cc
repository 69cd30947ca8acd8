#include "gateway/http/http1_client_connection.h"

#include <cassert>
#include <utility>

#include "gateway/base/match.h"

namespace upgate::http {

Http1ClientConnection::Http1ClientConnection(std::unique_ptr<io::ByteStream> stream, io::Loop loop,
                                             const ClientLimits& limits, Owner& owner)
    : stream_(std::move(stream)),
      loop_(loop),
      owner_(owner),
      parser_({.head_bytes = limits.head_bytes,
               .header_count = limits.header_count,
               .interim_count = limits.interim_count}),
      charge_(loop.memory) {}

void Http1ClientConnection::Begin() {
  stream_->SetHandler(this);
  stream_->SetReading(true);
}

// ---- the request

void Http1ClientConnection::Send(const OutgoingRequest& request, ResponseHandler& handler) {
  assert(handler_ == nullptr && "one request at a time");
  handler_ = &handler;
  touched_ = false;
  if (state_ != State::kIdle)
    return FailLater({Errc::kReset, "the connection is no longer usable"});
  const auto head = writer_.Head(request);
  if (!head) return FailLater({Errc::kOther, "the request cannot be written as HTTP/1.1"});
  state_ = State::kBusy;
  request_sent_ = !request.has_body || request.body.bytes == 0u;
  head_done_ = false;
  parser_.Begin(request.method, request.upgrade);
  stream_->Write(AsBytes(*head));
}

void Http1ClientConnection::SendBody(Bytes bytes) {
  if (state_ != State::kBusy || request_sent_) return;
  const BodyWriter::Framed framed = writer_.Body(bytes);
  if (!framed.slices().empty()) stream_->Write(framed.slices());
}

void Http1ClientConnection::EndBody(const Headers& trailers) {
  if (state_ != State::kBusy || request_sent_) return;
  const auto end = writer_.End(trailers);
  if (!end) return FailLater({Errc::kOther, "the request body is shorter than its Content-Length"});
  request_sent_ = true;
  if (!end->empty()) stream_->Write(AsBytes(*end));
}

// ---- flow control by the handler

void Http1ClientConnection::SetBodyReading(bool on) {
  if (state_ != State::kBusy || body_reading_ == on) return;
  body_reading_ = on;
  if (running_) return;
  if (on && !starved()) return loop_.turn.Continue(*this);
  stream_->SetReading(WantsInput());
}

void Http1ClientConnection::Abort() {
  if (state_ == State::kOver) return;
  if (stream_) stream_->Abort();
  DetachHandlers();
}

// ---- stream events

void Http1ClientConnection::OnBytes(MutableBytes data) {
  if (state_ == State::kIdle) return FailIdle();
  if (state_ != State::kBusy) return;
  assert(kept_.empty() && "reading is off while something waits");
  touched_ = true;
  Run(data);
}

void Http1ClientConnection::OnEnd() {
  if (state_ == State::kIdle) return FailIdle();
  if (state_ != State::kBusy) return;
  assert(starved() && "reading is off while something waits");
  const auto end = parser_.End();
  end ? Complete(end->trailers) : FailNow(end.error());
}

void Http1ClientConnection::OnError(const Error& error) {
  if (state_ == State::kIdle) return FailIdle();
  broken_ = error;
  UpdateReading();
}

void Http1ClientConnection::OnWritable() {
  if (state_ == State::kBusy && !request_sent_) handler_->OnRequestWritable();
}

void Http1ClientConnection::OnLater() {
  if (state_ == State::kFailing) {
    const Error failure = std::move(failure_);
    return FailNow(failure);
  }
  Run(kept());
}

// ---- the response

bool Http1ClientConnection::WantsInput() const {
  return state_ == State::kBusy && (body_reading_ || !head_done_);
}

void Http1ClientConnection::Run(Bytes input) {
  input_ = input;
  running_ = true;
  while (WantsInput() && Step()) {
  }
  running_ = false;
  Keep();
  if (state_ == State::kBusy) handler_->OnReadDone();
  UpdateReading();
}

void Http1ClientConnection::Keep() {
  if (state_ != State::kBusy || input_.empty()) {
    DropKept();
  } else if (kept_.empty()) {
    Append(kept_, input_);
  } else {
    kept_start_ = kept_.size() - input_.size();
  }
  charge_.Set(io::HeapBytes(kept_));
  input_ = {};
}

// swap frees the memory; assigning an empty string would not.
void Http1ClientConnection::DropKept() {
  std::string().swap(kept_);
  charge_.Set(0);
  kept_start_ = 0;
}

// False when the parser needs more bytes.
bool Http1ClientConnection::Step() {
  auto event = parser_.Next(input_);
  if (!event) {
    FailNow(event.error());
    return false;
  }
  std::visit(Match{[](const ResponseParser::NeedMore&) {},
                   [&](const InterimHead& head) { handler_->OnInterim(head.response); },
                   [&](const SwitchHead& head) { HandOver(head.response); },
                   [&](ResponseHead& head) { DeliverHead(head); },
                   [&](const ResponseParser::ResponseBody& body) { handler_->OnBody(body.bytes); },
                   [&](const ResponseParser::ResponseEnd& end) { Complete(end.trailers); }},
             *event);
  return !std::holds_alternative<ResponseParser::NeedMore>(*event);
}

// Bytes received before the connection failed are still delivered when the handler accepts them.
void Http1ClientConnection::UpdateReading() {
  if (state_ == State::kBusy && broken_ && starved()) FailNow(*broken_);
  if (state_ == State::kIdle) stream_->SetReading(true);
  if (state_ == State::kBusy) stream_->SetReading(WantsInput() && starved());
}

void Http1ClientConnection::DeliverHead(ResponseHead& head) {
  head_done_ = true;
  handler_->OnHead(std::move(head.response), head.length);
}

void Http1ClientConnection::Complete(const Headers& trailers) {
  // A server that responds before it has the whole request may not read the rest of it.
  const bool reusable =
      parser_.keep_alive() && request_sent_ && stream_->queued() == 0 && input_.empty() && !broken_;
  ResponseHandler* handler = std::exchange(handler_, nullptr);
  if (reusable) {
    state_ = State::kIdle;
  } else {
    DetachHandlers();
  }
  handler->OnBodyEnd(trailers);
}

void Http1ClientConnection::HandOver(const Response& head) {
  if (!request_sent_) {
    return FailNow(
        {Errc::kProtocol, "bad response from the server: 101 before the end of the request"});
  }
  ResponseHandler* handler = handler_;
  Upgraded upgraded{.stream = nullptr, .early = std::string(AsText(input_))};
  DetachHandlers();
  upgraded.stream = std::move(stream_);
  handler->OnUpgraded(head, std::move(upgraded));
}

// ---- the end

void Http1ClientConnection::FailIdle() {
  DetachHandlers();
  owner_.OnIdleConnectionClosed(*this);
}

void Http1ClientConnection::FailLater(Error error) {
  if (stream_) stream_->SetReading(false);
  state_ = State::kFailing;
  failure_ = std::move(error);
  loop_.turn.RunLater(*this);
}

void Http1ClientConnection::FailNow(const Error& error) {
  ResponseHandler* handler = handler_;
  if (stream_) stream_->Abort();
  DetachHandlers();
  handler->OnFailed(error, !touched_);
}

void Http1ClientConnection::DetachHandlers() {
  state_ = State::kOver;
  handler_ = nullptr;
  Cancel();
  if (!running_) DropKept();
  if (!stream_) return;
  stream_->SetReading(false);
  stream_->SetHandler(nullptr);
}

}  // namespace upgate::http
