#pragma once

#include <cstdint>
#include <utility>

#include "gateway/io/stream.h"

namespace upgate::session {

// Why reading from a stream is paused.
enum class PauseReason : std::uint8_t {
  kFarEndFull = 1,    // the queue towards the session's other peer is full
  kOwnQueueFull = 2,  // the peer does not read our own answers (pongs)
  kAnswersFull = 4,   // the peer does not read the messages of a service
  kService = 8,       // the service has stopped reading
  kRest = 16,         // buffered input is processed first
  kMemory = 32,       // the memory limit (io::MemoryGuard)
  kRate = 64,         // the peer sends faster than it may (FlowLimit)
};

// Reads from a stream while the set of pause reasons is empty. Pausing twice for the same reason,
// or resuming for a reason that is not set, has no effect. On the stream's loop's thread.
class ReadGate {
 public:
  void Pause(io::ByteStream& stream, PauseReason reason) {
    if (std::exchange(mask_, mask_ | Bit(reason)) == 0) stream.SetReading(false);
  }
  void Set(io::ByteStream& stream, PauseReason reason, bool pause) {
    pause ? Pause(stream, reason) : Resume(stream, reason);
  }
  void Resume(io::ByteStream& stream, PauseReason reason) {
    const std::uint8_t before = std::exchange(mask_, mask_ & ~Bit(reason));
    if (before != 0 && mask_ == 0) stream.SetReading(true);
  }
  bool open() const { return mask_ == 0; }
  bool open_but_for(PauseReason reason) const { return (mask_ & ~Bit(reason)) == 0; }

 private:
  static constexpr std::uint8_t Bit(PauseReason reason) {
    return static_cast<std::uint8_t>(reason);
  }

  std::uint8_t mask_ = 0;
};

}  // namespace upgate::session
