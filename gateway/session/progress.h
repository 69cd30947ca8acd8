#pragma once

#include <cstddef>
#include <cstdint>

#include "gateway/io/stream.h"

namespace upgate::session {

// Minimum bytes that a peer has to take within each close_timeout to be waited for when a session
// closes; and what may be on its way to a peer that has no backlog.
inline constexpr std::size_t kSlowestProgress = 4096;

// What a peer takes of what was sent to it, between two looks. No I/O: the caller asks the stream
// (io::ByteStream::delivery), seldom.
class Progress {
 public:
  // From here on.
  void Mark(const io::Delivery& now) {
    taken_ = now.taken;
    backlog_ = HasBacklog(now);
  }
  // Bytes taken since Mark.
  std::size_t Since(const io::Delivery& now) const {
    return static_cast<std::uint32_t>(now.taken - taken_);
  }
  // Whether more waits for the peer, or did, than may be under way, and it has taken some of that:
  // then a ping may not have got to it yet.
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
