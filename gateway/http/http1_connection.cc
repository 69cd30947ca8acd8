#include "gateway/http/http1_connection.h"

#include <algorithm>
#include <utility>

#include "gateway/base/match.h"

namespace upgate::http {
namespace {

// Limit for input kept behind the handler's request. One more read may be added to this.
constexpr std::size_t kMaxPending = 64 * 1024;
// Limit for discarded input: a body that nobody reads, or bytes behind the last response.
constexpr std::size_t kMaxDiscard = 256 * 1024;
// Work charged for a request to its connection's share of a turn (io::Loop::share), in addition to
// the bytes of its response. One read can hold thousands of pipelined requests; without a limit
// they delay the other connections on the loop and the detection that this client is gone.
constexpr std::size_t kRequestWork = 8 * 1024;

// How long a client has for its first request that connected just before the gateway began to stop.
constexpr io::Millis kDrainGrace{1'000};

// How long a gateway that shuts down waits for the client's FIN after its last response.
constexpr io::Millis kDrainLinger{200};

RequestParser::Limits ParserLimits(const ServerLimits& limits) {
  return {.head_bytes = limits.head_bytes,
          .header_count = limits.header_count,
          .underscores = limits.underscores};
}

}  // namespace

Http1Connection::Http1Connection(std::unique_ptr<io::ByteStream> stream, io::Loop loop,
                                 const ServerOptions& options, RequestHandler& handler,
                                 ServerConnection::Owner& owner)
    : ServerConnection(loop.memory),
      stream_(std::move(stream)),
      loop_(loop),
      options_(options),
      handler_(handler),
      owner_(owner),
      timer_(loop.timers, *this),
      parser_(ParserLimits(options.limits)),
      charge_(loop.memory) {}

Http1Connection::~Http1Connection() {
  Leave();
  if (exchange_) exchange_->Detach();
}

void Http1Connection::Begin() {
  stream_->SetHandler(this);
  UpdateState();
}

void Http1Connection::Drain() {
  draining_ = true;
  if (wait_ == Wait::kIdle) Arm(Wait::kNothing);  // there is less time now
  if (state_ == State::kLinger) return Arm(Wait::kLinger);
  if (state_ == State::kDiscard && wait_ == Wait::kBody) Arm(Wait::kBody);
  if (!running_) UpdateState();
}

// ---- stream and timer events

void Http1Connection::OnBytes(MutableBytes data) {
  if (state_ == State::kDone) return;
  if (state_ == State::kLinger) return DiscardWhileLingering(data.size());
  moved_ = true;
  if (wait_ == Wait::kBody) EarnBodyTime(data.size());
  if (pending_.empty()) {
    Run(data);
  } else {
    Append(pending_, data);
    Advance();
  }
  UpdateState();
}

void Http1Connection::OnEnd() {
  if (state_ == State::kDone) return;
  end_seen_ = true;
  if (state_ == State::kLinger) return CheckLinger();
  // An upgrade needs both directions, so there is nothing to hand over after a FIN.
  const bool upgrading =
      state_ == State::kBusy && exchange_->request().wants_upgrade && !exchange_->head_sent();
  upgrading ? Done() : UpdateState();
}

void Http1Connection::OnError(const Error& error) {
  if (state_ == State::kDone) return;
  if (state_ == State::kHead) handler_.OnConnectionError(error);
  Done();
}

void Http1Connection::OnWritable() {
  // The client made progress: output queued next, even now, gets the full timeout.
  if (wait_ == Wait::kWrite) Arm(Wait::kNothing);
  if (state_ == State::kBusy) {
    if (ExchangeHandler* handler = exchange_->handler()) handler->OnWritable();
  }
  // There may be many pipelined requests that waited for room in the queue.
  if (state_ == State::kHead && pending_.size() > pending_start_) {
    loop_.turn.Continue(*this);
  } else {
    Advance();
  }
}

void Http1Connection::OnFlushed() {
  flushed_ = true;
  if (state_ != State::kLinger) return;
  Arm(Wait::kLinger);
  CheckLinger();
}

void Http1Connection::OnTimer(io::Timer&) {
  const Wait wait = std::exchange(wait_, Wait::kNothing);
  switch (wait) {
    case Wait::kNothing:
      return;
    case Wait::kIdle:
    case Wait::kWrite:
      // Idle with a response still in the queue, or congested: fine as long as the client makes
      // progress.
      if (WriteProgressed(wait)) return UpdateState();
      return wait == Wait::kIdle ? CloseIdle() : Abort();
    case Wait::kHead:
      return RefuseRequest({408, "the request head took longer than http.head_timeout"});
    case Wait::kBody:
      SpendBodyTime();
      if (state_ == State::kDiscard) return Linger();
      return RefuseRequest({408, body_time_.count() > 0 || options_.limits.body_rate == 0
                                     ? "the request body took too long"
                                     : "the request body is slower than http.body_rate"});
    case Wait::kLinger:
      return OnLingerTimer();
  }
}

// While the queue is full, the client may still be draining megabytes from the system's buffer.
bool Http1Connection::WriteProgressed(Wait wait) const {
  if (stream_->queued() < queue_mark_) return true;
  return wait == Wait::kWrite && stream_->delivery().taken != taken_mark_;
}

// ---- the loop

bool Http1Connection::TakesInput() const {
  switch (state_) {
    case State::kHead:
      // Pipelined requests must not fill the queue of a client that does not read.
      return !stream_->congested();
    case State::kBusy:
      return !request_complete_ && (exchange_->body_reading() || !exchange_->request().has_body);
    case State::kDiscard:
      return true;
    case State::kLinger:
    case State::kDone:
      break;
  }
  return false;
}

// Only between requests: the end of a request may need no input.
bool Http1Connection::IsOverShare() const {
  return state_ == State::kHead && work_left_ == 0;
}

void Http1Connection::Spend(std::size_t work) {
  work_left_ -= std::min(work, work_left_);
}

void Http1Connection::Run(Bytes input) {
  running_ = true;
  input_ = input;
  work_left_ = loop_.share;
  while (WantsInput() && !IsOverShare() && Step()) {
  }
  running_ = false;
  if (IsOverShare() && !input_.empty()) loop_.turn.Continue(*this);
  if (state_ == State::kLinger || state_ == State::kDone) input_ = {};
  if (pending_.empty()) {
    if (!input_.empty()) Append(pending_, input_);
  } else if (input_.empty()) {
    std::string().swap(pending_);  // assigning would keep the memory
    pending_start_ = 0;
  } else {
    pending_start_ = pending_.size() - input_.size();
    if (pending_start_ > pending_.size() / 2) {  // so each byte is moved at most once
      pending_.erase(0, std::exchange(pending_start_, 0));
    }
  }
  input_ = {};
}

void Http1Connection::Advance() {
  if (running_ || waiting() || state_ == State::kDone) return;
  Run(AsBytes(pending_).subspan(pending_start_));
  UpdateState();
}

// False when the parser needs more bytes.
bool Http1Connection::Step() {
  auto event = parser_.Next(input_);
  if (!event) {
    RefuseRequest(event.error());
    return true;
  }
  return std::visit(Match{[](RequestParser::NeedMore&) { return false; },
                          [&](RequestHead& head) {
                            BeginExchange(std::move(head));
                            return true;
                          },
                          [&](RequestParser::RequestBody& body) {
                            DeliverBody(body.bytes);
                            return true;
                          },
                          [&](RequestParser::RequestEnd& end) {
                            DeliverEnd(end.trailers);
                            return true;
                          }},
                    *event);
}

void Http1Connection::UpdateState() {
  if (running_) return;
  Charge();
  CheckEnd();
  if (state_ == State::kDone || state_ == State::kLinger) return;
  const bool waits_for_body = state_ == State::kBusy && !request_complete_;
  const std::size_t kept = pending_.size() - pending_start_;
  const bool may_read = !held_back_ || state_ == State::kDiscard;
  stream_->SetReading(may_read &&
                      (waits_for_body ? exchange_->body_reading() : kept < kMaxPending));
  UpdateTimer();
}

// A request that is on its way when the gateway begins to stop is answered.
bool Http1Connection::MayStillAsk() const {
  return !end_seen_ && (!asked_ || stream_->HasUnread());
}

void Http1Connection::CheckEnd() {
  const bool starved = pending_.empty() && TakesInput();
  if (state_ == State::kHead && starved && !parser_.in_head()) {
    if (end_seen_) return Linger();
    if (draining_ && !MayStillAsk()) return stream_->queued() == 0 ? CloseIdle() : Linger();
  }
  if (!end_seen_ || !starved) return;
  // In the middle of a body there is nobody left to answer; earlier responses may still be in
  // flight.
  if (state_ == State::kBusy) return Done();
  if (state_ == State::kHead) {
    handler_.OnConnectionError(
        {Errc::kReset, "client closed the connection in the middle of a request head"});
  }
  Linger();
}

void Http1Connection::UpdateTimer() {
  Wait wait = Wait::kNothing;
  if (stream_->congested()) wait = Wait::kWrite;
  if (state_ == State::kHead && wait == Wait::kNothing) {
    wait = parser_.in_head() ? Wait::kHead : Wait::kIdle;
  } else if (state_ != State::kHead && WantsInput()) {
    wait = Wait::kBody;
  }
  // An unwanted body has one timeout in total, so that a trickle of bytes cannot keep the
  // connection open.
  const bool goes_on = wait == Wait::kBody && moved_ && state_ == State::kBusy;
  if (wait != wait_ || goes_on) Arm(wait);
  moved_ = false;
}

void Http1Connection::Arm(Wait wait) {
  if (wait_ == Wait::kBody) SpendBodyTime();
  wait_ = wait;
  queue_mark_ = stream_->queued();
  if (wait == Wait::kWrite) taken_mark_ = stream_->delivery().taken;
  const ServerLimits& limits = options_.limits;
  switch (wait) {
    case Wait::kNothing:
      return timer_.Disarm();
    case Wait::kIdle:
      return timer_.Arm(draining_ ? std::min(limits.idle_timeout, kDrainGrace)
                                  : limits.idle_timeout);
    case Wait::kWrite:
      return timer_.Arm(limits.idle_timeout);
    case Wait::kHead:
      return timer_.Arm(limits.head_timeout);
    case Wait::kBody:
      body_time_at_ = loop_.timers.Now();
      if (state_ != State::kDiscard) return timer_.Arm(BodyWait());
      return timer_.Arm(draining_ ? std::min(limits.body_timeout, kDrainGrace)
                                  : limits.body_timeout);
    case Wait::kLinger:
      return timer_.Arm(draining_ ? std::min(limits.linger_timeout, kDrainLinger)
                                  : limits.linger_timeout);
  }
}

// ---- a request

void Http1Connection::BeginExchange(RequestHead&& head) {
  state_ = State::kBusy;
  const bool first = !std::exchange(asked_, true);
  Spend(kRequestWork);
  Arm(Wait::kNothing);
  request_complete_ = false;
  body_time_ = options_.limits.body_grace;
  client_keeps_alive_ = head.keep_alive;
  expects_continue_ = head.expects_continue;
  exchange_ = std::make_unique<ServerExchange>(*this, std::move(head.request),
                                               stream_->peer_address(), first, loop_.timers.Now());
  ServerExchange& exchange = *exchange_;  // outlives the call, answered or not
  auto handler = handler_.OnRequest(exchange);
  const bool orphan = handler == nullptr;
  exchange.Adopt(std::move(handler));
  if (!exchange.attached()) return;
  exchange.Measure();
  if (orphan) {
    if (exchange.head_sent()) return Abort();
    return exchange.Respond(TextResponse(500, "no handler answered this request"));
  }
  OfferContinue();
}

void Http1Connection::OfferContinue() {
  if (!expects_continue_ || request_complete_ || exchange_->continued()) return;
  if (exchange_->handler() == nullptr || !exchange_->body_reading()) return;
  exchange_->SendContinue();
}

void Http1Connection::DeliverBody(Bytes bytes) {
  if (state_ == State::kBusy) {
    if (!exchange_->CountBody(bytes.size()))
      return RefuseRequest({413, "the request body is larger than limits.body_size"});
    return exchange_->handler()->OnBody(bytes);
  }
  if (bytes.size() > discard_left_) return Linger();
  discard_left_ -= bytes.size();
}

void Http1Connection::DeliverEnd(const Headers& trailers) {
  if (state_ == State::kDiscard) {
    state_ = State::kHead;
    return;
  }
  request_complete_ = true;
  exchange_->handler()->OnBodyEnd(trailers);
}

void Http1Connection::DropExchange() {
  if (!exchange_) return;
  handler_.OnRequestDone(exchange_->Summary(loop_.timers.Now()));
  exchange_->Detach();
  loop_.turn.DeferDelete(std::move(exchange_));
}

// ---- calls from the exchange

// Whether the connection can be kept alive after a response given now. Not after a refused
// handshake, whose client may already have sent frames, nor if the rest of the body is too long to
// be discarded or may never come.
ResponseWriter::Context Http1Connection::AnswerContext(const Request& request) const {
  const bool body_is_bearable =
      request_complete_ || (parser_.body_left() <= kMaxDiscard &&
                            (!expects_continue_ || (exchange_ && exchange_->continued())));
  return {
      .version = request.version,
      .head_request = request.method == "HEAD",
      .keep_alive = client_keeps_alive_ && !request.wants_upgrade && !draining_ && body_is_bearable,
      .unix_seconds = loop_.timers.UnixSeconds(),
      .server_name = options_.server_name};
}

void Http1Connection::OnWritten() {
  if (!running_ && wait_ == Wait::kNothing) UpdateTimer();
}

void Http1Connection::OnAnswered(bool close) {
  DropExchange();
  if (close || draining_) {
    Linger();
  } else if (request_complete_) {
    state_ = State::kHead;
  } else {
    state_ = State::kDiscard;
    discard_left_ = kMaxDiscard;
  }
  Advance();
}

void Http1Connection::OnBodyReading() {
  OfferContinue();
  Advance();
}

void Http1Connection::Abort() {
  stream_->Abort();
  Done();
}

Upgraded Http1Connection::HandOver() {
  stream_->SetReading(false);
  stream_->SetHandler(nullptr);
  const Bytes rest = running_ ? input_ : AsBytes(pending_).subspan(pending_start_);
  Upgraded upgraded{.stream = nullptr, .early = std::string(AsText(rest))};
  upgraded.stream = std::move(stream_);
  Done();
  return upgraded;
}

// ---- the end

void Http1Connection::RefuseRequest(const Refusal& refusal) {
  if (state_ == State::kDiscard) return Linger();  // answered already
  Response response = TextResponse(refusal.status, refusal.reason);
  response.headers.Add("Connection", "close");
  if (refusal.retry_after > 0)
    response.headers.Add("Retry-After", std::to_string(refusal.retry_after));
  if (exchange_) return exchange_->head_sent() ? Abort() : exchange_->Respond(std::move(response));
  ResponseWriter writer({.keep_alive = false,
                         .unix_seconds = loop_.timers.UnixSeconds(),
                         .server_name = options_.server_name});
  const auto head = writer.Head(response, {.bytes = response.body.size()});
  stream_->Write({AsBytes(*head), AsBytes(response.body)});
  handler_.OnAnswer(refusal.status);
  const SocketAddress client = stream_->peer_address();
  handler_.OnRequestDone({.client = client,
                          .status = refusal.status,
                          .body_bytes = response.body.size(),
                          .complete = true,
                          .why = refusal.reason});
  Linger();
}

void Http1Connection::Linger() {
  state_ = State::kLinger;
  discard_left_ = kMaxDiscard;
  stream_->Shutdown();
  if (!running_) {
    std::string().swap(pending_);  // assigning would keep the memory
    pending_start_ = 0;
  }
  last_progress_ = loop_.timers.Now();
  stream_->SetReading(true);
  Arm(Wait::kLinger);
}

void Http1Connection::DiscardWhileLingering(std::size_t bytes) {
  discard_left_ -= std::min(bytes, discard_left_);
  if (discard_left_ == 0) stream_->SetReading(false);
  CheckLinger();
}

void Http1Connection::CheckLinger() {
  if (flushed_ && (end_seen_ || discard_left_ == 0)) Done();
}

// The client has the whole timeout once everything is sent; before that it only has to take some of
// it now and then.
void Http1Connection::OnLingerTimer() {
  const std::size_t queued = stream_->queued();
  if (queued < queue_mark_) last_progress_ = loop_.timers.Now();
  const bool stuck = loop_.timers.Now() - last_progress_ >= options_.limits.body_timeout;
  if (flushed_ || queued == 0 || stuck) return Done();
  Arm(Wait::kLinger);
}

void Http1Connection::CloseIdle() {
  stream_->Shutdown();
  Done();
}

void Http1Connection::Done() {
  if (state_ == State::kDone) return;
  state_ = State::kDone;
  Leave();
  DropExchange();
  timer_.Disarm();
  Cancel();
  if (handlers_state_) loop_.turn.DeferDelete(std::move(handlers_state_));
  if (stream_) {
    stream_->SetReading(false);
    stream_->SetHandler(nullptr);
  }
  owner_.OnConnectionDone(*this);
}

}  // namespace upgate::http
