#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gateway/config/config.h"
#include "gateway/io/timers.h"
#include "gateway/session/ending.h"
#include "gateway/stats/stats.h"

namespace upgate::session {

// How fast one peer of a session may send: limits.messages and limits.bytes of its route. The
// session asks how much may come, takes that from its input, and tells afterwards how much it was,
// so that nothing is done for each message. Only sessions with such a limit have one. On the loop's
// thread.
class FlowLimit final : private io::Timer::Owner {
 public:
  class Owner {
   public:
    // The peer may be read again.
    virtual void OnFlowAllowed(FlowLimit& flow) = 0;

   protected:
    ~Owner() = default;
  };

  enum class Verdict : std::uint8_t {
    kGoOn,
    kWait,   // the peer is not to be read until OnFlowAllowed
    kClose,  // the session is to be closed with 1008 and `reason`
  };

  // nullptr if what `who` sends is not limited; `traffic` counts that. Borrows what is passed.
  static std::unique_ptr<FlowLimit> For(Closer who, const config::RouteLimits& limits,
                                        io::Timers& timers, stats::Traffic& traffic, Owner& owner);

  FlowLimit(const config::SessionRate* messages, const config::SessionRate* bytes,
            io::Timers& timers, stats::Traffic& traffic, Owner& owner);

  // What may come now; at least 1.
  std::uint64_t messages() const;
  std::uint64_t bytes() const;
  // The work (io::Loop::share) that can be done before more than the messages and bytes allowed now
  // could have come; at most `share`.
  std::size_t WorkFor(std::size_t share) const;

  // What the peer has sent since the session began, in messages and payload bytes.
  Verdict OnRead(std::uint64_t messages, std::uint64_t bytes);
  // The peer waits for OnFlowAllowed.
  bool waiting() const { return timer_.armed(); }
  // Ends a wait soon, from the loop: for a session that is closing.
  void AllowSoon();
  // No call follows.
  void Stop() { timer_.Disarm(); }
  // Of the last kClose, for the Close frame.
  std::string_view reason() const { return reason_; }

 private:
  void OnTimer(io::Timer&) override { owner_.OnFlowAllowed(*this); }
  double Now() const;

  const config::SessionRate* const messages_;  // nullptr: not limited
  const config::SessionRate* const bytes_;
  io::Timers& timers_;
  stats::Traffic& traffic_;
  Owner& owner_;
  TokenBucket message_bucket_;
  TokenBucket byte_bucket_;
  std::uint64_t messages_seen_ = 0;
  std::uint64_t bytes_seen_ = 0;
  std::string_view reason_;
  io::Timer timer_;
};

}  // namespace upgate::session
