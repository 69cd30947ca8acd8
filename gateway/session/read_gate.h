#pragma once

#include <cstdint>
#include <utility>

#include "gateway/io/stream.h"

namespace upgate::session {

// Why a stream is not read right now.
enum class PauseReason : std::uint8_t {
  kFarEndFull = 1,    // the other end of the session cannot take more
  kOwnQueueFull = 2,  // what we answer by ourselves (pongs) is not being read
  kAnswersFull = 4,   // the answers of a service are not being read
  kService = 8,       // the service does not want more now
  kRest = 16,         // what has arrived already comes first
  kMemory = 32,       // the gateway holds too much for its clients (io::MemoryGuard)
};

// Turns the reading of one stream on while no reason speaks against it. Reasons are a set: giving
// one twice, or taking back one that was not given, changes nothing.
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
