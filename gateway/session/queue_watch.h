#pragma once

#include <algorithm>
#include <cstdint>

#include "gateway/io/stream.h"
#include "gateway/io/timers.h"
#include "gateway/session/progress.h"

namespace upgate::session {

// Finds a client that takes nothing of what waits for it for limits.queue_time. No I/O: the caller
// passes io::ByteStream::delivery from time to time.
class QueueWatch {
 public:
  explicit QueueWatch(io::Millis limit) : limit_(limit) {}

  // How often to look.
  io::Millis interval() const { return std::max(io::Millis{1}, limit_ / 4); }

  // True if something has been waiting for queue_time, and nothing of it was taken.
  bool IsStuck(const io::Delivery& now, io::Instant at) {
    const bool waits = now.waiting > kSlowestProgress;
    if (!waits || !waited_ || now.taken != taken_) since_ = at;
    waited_ = waits;
    taken_ = now.taken;
    return waits && at - since_ >= limit_;
  }

 private:
  const io::Millis limit_;
  io::Instant since_{};
  std::uint32_t taken_ = 0;
  bool waited_ = false;
};

}  // namespace upgate::session
