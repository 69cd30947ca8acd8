#include "gateway/tls/stream.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/io/memory_guard.h"

namespace upgate::tls {
namespace {

// A larger record buffer is freed after use, so that one large write does not increase the loop's
// memory permanently.
constexpr std::size_t kKeptRecords = 256 * 1024;

// A peer that causes responses (to key updates) and does not read them is not read from while more
// than this is queued. Well above what a handler that observes congested() queues, so two such
// endpoints cannot deadlock.
constexpr std::size_t kMaxAnswers = 4 * io::kHighMark;

// OpenSSL's memory per connection, as measured: 10 KB before the peer's first record, 34 to 45 KB
// during the handshake, 14 KB after it. The first is counted as large enough to be refused when
// memory is short.
constexpr std::size_t kFreshBytes = io::MemoryGuard::kSmall;
constexpr std::size_t kHandshakeBytes = 44 * 1024;
constexpr std::size_t kSessionBytes = 14 * 1024;

}  // namespace

Stream::Stream(std::unique_ptr<io::ByteStream> lower, SslPtr ssl,
               std::shared_ptr<const void> keep_alive, io::Millis handshake_timeout, io::Loop loop,
               Scratch& scratch)
    : lower_(std::move(lower)),
      turn_(loop.turn),
      buffers_(scratch.buffers()),
      handshake_(std::make_unique<Handshake>(*this, std::move(keep_alive), loop.timers, scratch)),
      charge_(loop.memory, kFreshBytes),
      engine_(std::move(ssl), buffers_) {
  lower_->SetHandler(this);
  if (handshake_timeout.count() > 0) handshake_->timer.Arm(handshake_timeout);
}

void Stream::Start(HandshakeObserver& observer) {
  handshake_->observer = &observer;
  handshake_->under_way.BeClient();
  state_ = State::kHandshaking;
  begun_ = true;
  engine_.Advance(buffers_.plaintext());
  Flush();
  Charge();
  UpdateReading();
}

void Stream::SetHandler(io::StreamHandler* handler) {
  handler_ = handler;
  if (handler == nullptr) SetReading(false);
}

void Stream::SetReading(bool on) {
  if (reading_ == on) return;
  reading_ = on;
  if (on && state_ == State::kFresh) state_ = State::kHandshaking;
  if (!processing_) UpdateReading();
}

bool Stream::Receiving() const {
  return state_ == State::kHandshaking || (state_ == State::kOpen && reading_ && !ended_);
}

// Turns on reading from below, or schedules a callback, or neither. Kept ciphertext is processed
// first: the lower stream is not read until then, so the kept amount stays bounded.
void Stream::UpdateReading() {
  if (state_ == State::kFailed) return;
  const bool more = engine_.failure() != nullptr || (Receiving() && engine_.HasMore());
  if (handshake_) handshake_->under_way.SetWorking(more);
  if (engine_.failure() != nullptr) {
    turn_.RunLater(*this);
  } else if (more) {
    turn_.Continue(*this);
  } else {
    Cancel();
  }
  lower_->SetReading(Receiving() && !more && !stalled_);
}

void Stream::OnBytes(MutableBytes data) {
  if (state_ == State::kFailed || ended_) return;
  engine_.Feed(data);
  if (state_ != State::kHandshaking) return Process();
  // A handshake costs as much as thousands of messages, so it is deferred to a later turn.
  engine_.Keep();
  UpdateReading();
}

void Stream::Process() {
  bool drained = false;
  processing_ = true;
  begun_ = true;
  while (Receiving() || (state_ != State::kFailed && engine_.failure() != nullptr)) {
    const Engine::Step step = engine_.Advance(buffers_.plaintext());
    const bool answered = !buffers_.records.empty();
    if (step.progress == Engine::Progress::kEstablished) Establish();
    if (handshake_ && answered) handshake_->under_way.OnFlight(handshake_->timers.Now());
    if (engine_.writable() && SendWaiting()) drained = true;
    Flush();
    if (answered && lower_->queued() > kMaxAnswers) stalled_ = true;
    if (step.progress == Engine::Progress::kStarved) break;
    Deliver(step);
  }
  processing_ = false;
  engine_.Keep();
  Charge();
  UpdateReading();
  if (drained && state_ != State::kFailed && handler_ != nullptr) handler_->OnWritable();
}

void Stream::Deliver(Engine::Step step) {
  switch (step.progress) {
    case Engine::Progress::kData:
      if (handler_ != nullptr) handler_->OnBytes(buffers_.plaintext().first(step.size));
      break;
    case Engine::Progress::kEnd:
      ended_ = true;
      if (handler_ != nullptr) handler_->OnEnd();
      break;
    case Engine::Progress::kFailed:
      lower_->Shutdown();
      Fail(*engine_.failure());
      break;
    case Engine::Progress::kEstablished:
    case Engine::Progress::kStarved:
      break;
  }
}

void Stream::Establish() {
  state_ = State::kOpen;
  const auto handshake = std::move(handshake_);
  if (handshake->observer != nullptr) handshake->observer->OnEstablished();
}

void Stream::Write(std::span<const Bytes> slices) {
  if (state_ == State::kFailed || sending_ != Sending::kOpen || engine_.failure()) return;
  if (!waiting_ && engine_.writable()) {
    engine_.Write(slices);
    Flush();
    if (engine_.failure() && !processing_) UpdateReading();
    return;
  }
  if (!waiting_) waiting_ = std::make_unique<std::string>();
  for (const Bytes slice : slices) Append(*waiting_, slice);
  Charge();
  if (waiting_->size() <= kMaxWaiting) return;
  waiting_.reset();
  engine_.Fail(
      {Errc::kLimit,
       fmt::format("more than {} bytes written before the TLS handshake was over", kMaxWaiting)});
  if (!processing_) UpdateReading();
}

void Stream::Shutdown() {
  if (state_ == State::kFailed || sending_ != Sending::kOpen) return;
  sending_ = Sending::kClosing;
  if (waiting_ || !engine_.writable()) return;
  SendWaiting();  // only close_notify: nothing is waiting
  if (engine_.failure() != nullptr && !processing_) UpdateReading();
}

// Sends deferred output: plaintext, then close_notify.
bool Stream::SendWaiting() {
  bool drained = false;
  if (const std::unique_ptr<std::string> waiting = std::move(waiting_)) {
    const bool congested = lower_->queued() + waiting->size() > io::kHighMark;
    const Bytes plaintext = AsBytes(*waiting);
    engine_.Write(std::span(&plaintext, 1));
    Flush();
    // If the lower stream is not congested, it will not call OnWritable later.
    drained = congested && !lower_->congested();
  }
  if (sending_ == Sending::kClosing && engine_.writable()) {
    sending_ = Sending::kClosed;
    engine_.Close();
    Flush();
    lower_->Shutdown();
  }
  return drained;
}

void Stream::Flush() {
  if (buffers_.records.empty()) return;
  lower_->Write(Bytes(buffers_.records));
  buffers_.records.clear();
  if (buffers_.records.capacity() > kKeptRecords) buffers_.records = {};
}

void Stream::OnEnd() {
  if (state_ == State::kFailed || ended_) return;
  if (state_ == State::kOpen) {
    // In the middle of a record the data is truncated in any case.
    if (!engine_.HasInput() && handler_ != nullptr && handler_->OnTruncated()) {
      ended_ = true;
      return handler_->OnEnd();
    }
    return Fail({Errc::kReset, "truncated: the peer closed the connection without close_notify"});
  }
  Fail({Errc::kTls, "the peer closed the connection during the TLS handshake", TlsFault::kGone});
}

void Stream::OnError(const Error& error) {
  if (state_ == State::kFailed) return;
  if (state_ == State::kOpen) return Fail(error);
  Fail({Errc::kTls, error.message + " during the TLS handshake", TlsFault::kGone});
}

void Stream::OnWritable() {
  if (std::exchange(stalled_, false)) UpdateReading();
  if (!waiting_ && state_ != State::kFailed && handler_ != nullptr) handler_->OnWritable();
}

void Stream::OnFlushed() {
  if (state_ != State::kFailed && handler_ != nullptr) handler_->OnFlushed();
}

// A copy, because the handler may destroy what owns the error.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void Stream::Fail(Error error) {
  state_ = State::kFailed;
  Cancel();
  if (handshake_) {
    handshake_->timer.Disarm();
    handshake_->under_way.Leave();
  }
  waiting_.reset();
  Charge();
  lower_->SetReading(false);
  if (handler_ != nullptr) handler_->OnError(error);
}

void Stream::Charge() {
  const bool open = state_ == State::kOpen || state_ == State::kFailed;
  const std::size_t own = open ? kSessionBytes : begun_ ? kHandshakeBytes : kFreshBytes;
  charge_.Set(own + engine_.kept_bytes() + (waiting_ ? io::HeapBytes(*waiting_) : 0));
}

std::size_t Stream::held_bytes() const {
  const bool open = state_ == State::kOpen || state_ == State::kFailed;
  return lower_->held_bytes() + charge_.bytes() -
         (open ? std::min(kSessionBytes, charge_.bytes()) : 0);
}

const io::TlsInfo* Stream::tls() const {
  if (!info_ && engine_.established()) info_ = std::make_unique<io::TlsInfo>(engine_.Info());
  return info_.get();
}

}  // namespace upgate::tls
