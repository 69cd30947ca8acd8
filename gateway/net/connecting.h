#pragma once

#include <memory>

#include "gateway/io/later.h"
#include "gateway/io/network.h"
#include "gateway/net/fd.h"
#include "gateway/net/handle.h"
#include "gateway/net/loop.h"
#include "gateway/net/socket.h"

namespace upgate::net {

// A connection being made. Destroying it breaks the attempt off.
class Connecting final : public io::Pending, private io::Later, private io::Timer::Owner {
 public:
  // How long to wait when a unix listener's backlog is full: the system does not tell when there is
  // room again.
  static constexpr io::Millis kRetry{10};

  // The handler is not owned and not called from within.
  Connecting(Loop& loop, const SocketAddress& address, io::ConnectHandler& handler);

 private:
  void Start();
  void WatchSocket();
  void FailLater(Error error);
  void OnWritable();
  void OnLater() override;
  void OnTimer(io::Timer& timer) override;

  Loop& loop_;
  io::ConnectHandler& handler_;
  RawAddress to_;
  Error error_;
  UniqueFd fd_;
  UvHandle<uv_poll_t> poll_;  // after the descriptor, and so closed before it
  io::Timer retry_;
};

}  // namespace upgate::net
