#include "gateway/session/flow_limit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "gateway/io/network.h"

namespace upgate::session {
namespace {

// nullptr if it does not limit what `who` sends.
const config::SessionRate* Limiting(const config::SessionRate& limit, Closer who) {
  using enum config::SessionRate::From;
  const auto other = who == Closer::kClient ? kServer : kClient;
  return limit.rate && limit.from != other ? &limit : nullptr;
}

}  // namespace

std::unique_ptr<FlowLimit> FlowLimit::For(Closer who, const config::RouteLimits& limits,
                                          io::Timers& timers, stats::Traffic& traffic,
                                          Owner& owner) {
  const config::SessionRate* messages = Limiting(limits.messages, who);
  const config::SessionRate* bytes = Limiting(limits.bytes, who);
  if (messages == nullptr && bytes == nullptr) return nullptr;
  return std::make_unique<FlowLimit>(messages, bytes, timers, traffic, owner);
}

FlowLimit::FlowLimit(const config::SessionRate* messages, const config::SessionRate* bytes,
                     io::Timers& timers, stats::Traffic& traffic, Owner& owner)
    : messages_(messages),
      bytes_(bytes),
      timers_(timers),
      traffic_(traffic),
      owner_(owner),
      timer_(timers, *this) {}

double FlowLimit::Now() const {
  return static_cast<double>(timers_.Now().time_since_epoch().count());
}

std::uint64_t FlowLimit::messages() const {
  if (messages_ == nullptr) return std::numeric_limits<std::uint32_t>::max();
  return std::max<std::uint64_t>(1, message_bucket_.Room(messages_->rate, Now()));
}

std::uint64_t FlowLimit::bytes() const {
  if (bytes_ == nullptr) return std::numeric_limits<std::uint32_t>::max();
  return std::max<std::uint64_t>(1, byte_bucket_.Room(bytes_->rate, Now()));
}

std::size_t FlowLimit::WorkFor(std::size_t share) const {
  return std::min<std::uint64_t>({share, messages() * io::kMessageWork, bytes()});
}

void FlowLimit::AllowSoon() {
  if (timer_.armed()) timer_.Arm(io::Millis{0});
}

FlowLimit::Verdict FlowLimit::OnRead(std::uint64_t messages, std::uint64_t bytes) {
  const double now = Now();
  double wait = 0;
  const auto take = [&](const config::SessionRate* limit, TokenBucket& bucket, std::uint64_t count,
                        std::string_view reason) {
    if (limit == nullptr || count == 0) return true;
    bucket.Take(limit->rate, now, count);
    const double late = bucket.Wait(limit->rate, now, 0);
    if (late > 0 && limit->over == config::SessionRate::Over::kClose) {
      reason_ = reason;
      return false;
    }
    wait = std::max(wait, late);
    return true;
  };
  const bool within = take(messages_, message_bucket_, messages - messages_seen_,
                           "more messages than limits.messages of the route allows") &&
                      take(bytes_, byte_bucket_, bytes - bytes_seen_,
                           "more bytes than limits.bytes of the route allows");
  messages_seen_ = messages;
  bytes_seen_ = bytes;
  if (!within) return Verdict::kClose;
  if (wait <= 0) return Verdict::kGoOn;
  if (!timer_.armed()) traffic_.rate_waits.Add();
  timer_.Arm(io::Millis(static_cast<io::Millis::rep>(std::ceil(wait))));
  return Verdict::kWait;
}

}  // namespace upgate::session
