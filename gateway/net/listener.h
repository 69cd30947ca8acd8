#pragma once

#include <cstdint>
#include <memory>

#include "gateway/io/network.h"
#include "gateway/net/fd.h"
#include "gateway/net/loop.h"
#include "gateway/net/poller.h"
#include "gateway/net/unix_socket_file.h"
#include "gateway/net/watched_fd.h"

namespace upgate::net {

// Binds a socket and makes it listen, for a loop to take it later. Thread-safe.
Result<std::unique_ptr<io::BoundSocket>> Bind(const SocketAddress& address,
                                              const io::ListenOptions& options);

// For a socket that another process has opened, which keeps it when all of this process's are gone:
// checks that it is a listening stream socket, makes it ready for use, and returns its address.
Result<SocketAddress> PrepareInherited(int fd);
// A socket on the same backlog as that one, which is not closed. Thread-safe.
Result<std::unique_ptr<io::BoundSocket>> ShareInherited(int fd);

// A listening TCP or unix socket. If several loops listen on a TCP address, each has its own socket
// (SO_REUSEPORT); "::" accepts IPv4 too. Only one loop can listen on a unix path.
//
// If accept fails because descriptors or memory ran out, connections stay in the backlog for
// kPause.
class Listener final : public io::Listener, private Poller::Client, private io::Timer::Owner {
 public:
  // Upper limit. The limit starts at one and doubles while consecutive turns have more connections,
  // because each check for another connection costs a system call.
  static constexpr int kAcceptsPerTurn = 64;
  static constexpr io::Millis kPause{100};

  // The handler is not owned. It may destroy the listener from within OnAccept.
  static Result<std::unique_ptr<Listener>> Open(Loop& loop, const SocketAddress& address,
                                                const io::ListenOptions& options,
                                                io::AcceptHandler& handler);
  // The same for a socket of Bind.
  static Result<std::unique_ptr<Listener>> Adopt(Loop& loop,
                                                 std::unique_ptr<io::BoundSocket> socket,
                                                 io::AcceptHandler& handler);

  ~Listener() override;

  SocketAddress address() const override { return address_; }
  void Resume() override;
  void AcceptWaiting() override;

 private:
  Listener(Loop& loop, UniqueFd fd, UnixSocketFile file, bool inherited,
           io::AcceptHandler& handler);

  void OnReady(std::uint32_t events) override;
  // Returns whether to try another accept. The handler may have destroyed this object.
  bool AcceptOne();
  void Pause(int error);
  void OnTimer(io::Timer& timer) override;

  io::AcceptHandler& handler_;
  UnixSocketFile file_;
  const bool inherited_;  // somebody else goes on with what waits
  WatchedFd fd_;
  SocketAddress address_;
  io::Timer pause_;
  int burst_ = 1;
  std::uint64_t last_turn_ = 0;
  bool* destroyed_ = nullptr;  // set while the handler is running
};

}  // namespace upgate::net
