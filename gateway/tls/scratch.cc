#include "gateway/tls/scratch.h"

#include <utility>

namespace upgate::tls {

Scratch::Scratch() : buffers_(std::make_unique<Buffers>()) {}
Scratch::~Scratch() = default;

bool Scratch::EndStalled(io::Instant now, io::Millis patience) {
  for (UnderWay* one = oldest_; one != nullptr && now - one->since_ >= patience;
       one = one->after_) {
    if (one->working_) continue;  // it waits for the gateway
    one->owner_.OnNoRoom();
    return true;
  }
  return false;
}

Scratch::UnderWay::UnderWay(Scratch& scratch, io::Instant now, Owner& owner)
    : scratch_(scratch), owner_(owner) {
  Link(now);
}

Scratch::UnderWay::~UnderWay() {
  Leave();
}

void Scratch::UnderWay::Leave() {
  SetWorking(false);
  Unlink();
}

void Scratch::UnderWay::SetWorking(bool on) {
  if (std::exchange(working_, on) == on) return;
  on ? ++scratch_.working_ : --scratch_.working_;
}

void Scratch::UnderWay::OnFlight(io::Instant now) {
  if (!listed_) return;
  Unlink();
  Link(now);
}

void Scratch::UnderWay::Link(io::Instant now) {
  since_ = now;
  before_ = std::exchange(scratch_.newest_, this);
  (before_ != nullptr ? before_->after_ : scratch_.oldest_) = this;
  listed_ = true;
  ++scratch_.listed_;
}

void Scratch::UnderWay::Unlink() {
  if (!std::exchange(listed_, false)) return;
  --scratch_.listed_;
  (before_ != nullptr ? before_->after_ : scratch_.oldest_) = after_;
  (after_ != nullptr ? after_->before_ : scratch_.newest_) = before_;
  before_ = after_ = nullptr;
}

}  // namespace upgate::tls
