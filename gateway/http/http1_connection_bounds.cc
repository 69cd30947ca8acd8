// The minimum rate of a request body, and memory limits of a connection; see http1_connection.cc
// for the rest.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "gateway/http/http1_connection.h"

namespace upgate::http {
namespace {

// Retry-After in seconds for a client refused because memory is short.
constexpr int kRetryAfter = 5;

}  // namespace

// ---- request body rate

void Http1Connection::SpendBodyTime() {
  body_time_ -= loop_.timers.Now() - std::exchange(body_time_at_, loop_.timers.Now());
}

void Http1Connection::EarnBodyTime(std::size_t bytes) {
  const ServerLimits& limits = options_.limits;
  if (limits.body_rate == 0) return;
  const std::chrono::microseconds most = std::max(limits.body_grace, limits.body_timeout);
  const auto earned = static_cast<double>(bytes) / static_cast<double>(limits.body_rate);
  body_time_ += std::chrono::microseconds(static_cast<std::int64_t>(earned * 1e6));
  body_time_ = std::min(body_time_, most);
}

io::Millis Http1Connection::BodyWait() const {
  const ServerLimits& limits = options_.limits;
  if (limits.body_rate == 0) return limits.body_timeout;
  const auto left = std::chrono::ceil<io::Millis>(body_time_);
  return std::clamp(left, io::Millis{0}, limits.body_timeout);
}

// ---- memory

void Http1Connection::Charge() {
  charge_.Set(io::HeapBytes(pending_) + parser_.kept_bytes() +
              (exchange_ ? exchange_->request_bytes() : 0));
}

std::size_t Http1Connection::held_bytes() const {
  if (state_ == State::kDone) return 0;
  const ExchangeHandler* handler = exchange_ ? exchange_->handler() : nullptr;
  return stream_->held_bytes() + charge_.bytes() + (handler ? handler->held_bytes() : 0);
}

void Http1Connection::HoldBack(bool wait) {
  held_back_ = wait;
  if (state_ == State::kDone || state_ == State::kLinger) return;
  if (!wait) return Advance();
  if (running_) return;  // UpdateState follows
  if (state_ != State::kDiscard) stream_->SetReading(false);
  UpdateTimer();
}

io::MemoryRefusal Http1Connection::Refuse() {
  held_back_ = false;
  if (stream_->queued() > 0 || state_ == State::kLinger) {
    Abort();
    return io::MemoryRefusal::kStalledReader;
  }
  if (state_ == State::kHead && !parser_.in_head() && pending_.empty()) {
    Abort();  // only a TLS handshake can account for the memory
    return io::MemoryRefusal::kTlsHandshake;
  }
  RefuseRequest({503, "the gateway is out of memory for clients; try again later", kRetryAfter});
  return io::MemoryRefusal::kUnfinishedRequest;
}

void Http1Connection::AbortEvicted() {
  if (state_ != State::kDone) Abort();
}

}  // namespace upgate::http
