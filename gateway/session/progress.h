#pragma once

#include <cstddef>
#include <cstdint>

#include "gateway/io/stream.h"

namespace upgate::session {

// Minimum bytes that a peer must drain within each close_timeout; a closing session that makes less
// progress is dropped. Also the amount that may be in flight to a peer that has no backlog.
inline constexpr std::size_t kSlowestProgress = 4096;
static_assert(kSlowestProgress >= io::kDeliveryGrain);

// Measures how much of what was sent to a peer it has drained between two checks. No I/O: the
// caller passes io::ByteStream::delivery, which it should read rarely.
class Progress {
 public:
  // Starts measuring.
  void Mark(const io::Delivery& now) {
    taken_ = now.taken;
    backlog_ = HasBacklog(now);
  }
  // Bytes drained since Mark.
  std::size_t Since(const io::Delivery& now) const {
    return static_cast<std::uint32_t>(now.taken - taken_);
  }
  // True if the peer has, or had at Mark, a backlog, and has drained some of it. A ping may then
  // still be behind the backlog.
  bool WorksOnBacklog(const io::Delivery& now) const {
    return (backlog_ || HasBacklog(now)) && Since(now) > 0;
  }

 private:
  static bool HasBacklog(const io::Delivery& delivery) {
    return delivery.waiting > kSlowestProgress;
  }

  std::uint32_t taken_ = 0;
  bool backlog_ = false;
};

}  // namespace upgate::session
