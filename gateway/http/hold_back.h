#pragma once

#include "gateway/io/timers.h"

namespace upgate::http {

// Decides what happens to clients for whom there is no place: they are held back, waiting in the
// backlog, for a short peak to pass. When somebody has been found waiting at every look for
// kPatience the queue does not go away: then clients are refused until one finds a place again, so
// that nobody waits for ever. No I/O and no clock.
class HoldBack {
 public:
  // How often to look again while clients are held back.
  static constexpr io::Millis kInterval{100};
  static constexpr io::Millis kPatience{10'000};

  enum class Verdict { kHold, kRefuse };

  // There was no place for somebody.
  Verdict OnFull(io::Instant now) {
    // Held-back clients are seen in every interval; a gap means that they all had found a place.
    if (!held_ || now - last_ > 3 * kInterval) since_ = now;
    held_ = true;
    last_ = now;
    if (now - since_ >= kPatience) refusing_ = true;
    return refusing_ ? Verdict::kRefuse : Verdict::kHold;
  }
  // There was a place for somebody.
  void OnPlace() {
    // While clients are refused nobody waits: this one had just come.
    if (refusing_) held_ = false;
    refusing_ = false;
  }

 private:
  bool held_ = false;
  bool refusing_ = false;
  io::Instant since_{};
  io::Instant last_{};
};

}  // namespace upgate::http
