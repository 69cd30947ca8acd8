#include "gateway/net/connecting.h"

#include <cerrno>
#include <utility>

#include "gateway/net/socket_stream.h"
#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// A TCP socket may be given the very port that it connects to, and then meets itself (RFC 9293,
// section 3.5: simultaneous open) where nobody listens.
bool MetItself(int fd, const RawAddress& peer) {
  return peer.family() != AF_UNIX && IpPortOf(LocalAddress(fd)) == IpPortOf(peer);
}

}  // namespace

Connecting::Connecting(Loop& loop, const SocketAddress& address, io::ConnectHandler& handler)
    : loop_(loop), handler_(handler), retry_(loop.timers(), *this) {
  auto raw = ToRaw(address);
  if (raw) {
    to_ = *raw;
    Start();
  } else {
    FailLater(std::move(raw.error()));
  }
}

void Connecting::Start() {
  auto fd = OpenSocket(to_.family());
  if (!fd) return FailLater(std::move(fd.error()));
  fd_ = std::move(*fd);
  const int error = ::connect(fd_.get(), to_.get(), to_.length) == 0 ? 0 : errno;
  if (error == 0 || error == EINPROGRESS) {
    WatchSocket();
  } else if (error == EAGAIN && to_.family() == AF_UNIX) {
    retry_.Arm(kRetry);
  } else {
    FailLater(SystemError(error, "connect"));
  }
}

void Connecting::WatchSocket() {
  poll_ = MakeHandle<uv_poll_t, int>(loop_.uv(), uv_poll_init, fd_.get());
  if (!poll_) return FailLater(SystemError(ENOMEM, "connect"));
  poll_->data = this;
  // A refused connection comes with an error status, and its reason from the socket.
  uv_poll_start(poll_.get(), UV_WRITABLE, [](uv_poll_t* poll, int, int) {
    static_cast<Connecting*>(poll->data)->OnWritable();
  });
}

void Connecting::OnWritable() {
  uv_poll_stop(poll_.get());
  int error = TakeSocketError(fd_.get());
  if (error == 0 && MetItself(fd_.get(), to_)) error = ECONNREFUSED;
  if (error != 0) {
    error_ = SystemError(error, "connect");
    return OnLater();
  }
  // The handler may destroy this.
  handler_.OnConnected(
      std::make_unique<SocketStream>(loop_, std::move(fd_), std::move(poll_), to_));
}

void Connecting::FailLater(Error error) {
  error_ = std::move(error);
  loop_.RunLater(*this);
}

void Connecting::OnLater() {
  // The handler may destroy this, and the error with it.
  const Error error = std::move(error_);
  handler_.OnConnectFailed(error);
}

void Connecting::OnTimer(io::Timer&) {
  Start();
}

}  // namespace upgate::net
