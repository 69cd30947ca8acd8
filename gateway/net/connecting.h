#pragma once

#include <cstdint>
#include <optional>

#include "gateway/io/later.h"
#include "gateway/io/network.h"
#include "gateway/net/loop.h"
#include "gateway/net/poller.h"
#include "gateway/net/socket.h"
#include "gateway/net/watched_fd.h"

namespace upgate::net {

// A connection attempt. Destroying it cancels the attempt.
class Connecting final : public io::Pending,
                         private Poller::Client,
                         private io::Later,
                         private io::Timer::Owner {
 public:
  // Delay before the next attempt when a unix listener's backlog is full: the system does not
  // signal when there is room again.
  static constexpr io::Millis kRetry{10};

  // The handler is not owned and is never called from inside the constructor.
  Connecting(Loop& loop, const SocketAddress& address, io::ConnectHandler& handler);

 private:
  void Start();
  void FailLater(Error error);
  void OnReady(std::uint32_t events) override;
  void OnLater() override;
  void OnTimer(io::Timer& timer) override;

  Loop& loop_;
  io::ConnectHandler& handler_;
  RawAddress to_;
  std::optional<Error> error_;
  std::optional<WatchedFd> fd_;
  io::Timer retry_;
};

}  // namespace upgate::net
