#include "gateway/net/connecting.h"

#include <cerrno>
#include <utility>

#include "gateway/net/socket_stream.h"
#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// A TCP socket may be assigned the port that it connects to as its own local port. If nothing
// listens there, it then connects to itself (RFC 9293, section 3.5: simultaneous open).
bool ConnectedToSelf(int fd, const RawAddress& peer) {
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
  const int error = ::connect(fd->get(), to_.get(), to_.length) == 0 ? 0 : errno;
  fd_.emplace(loop_, std::move(*fd));
  if (error == 0) {
    loop_.RunLater(*this);
  } else if (error == EINPROGRESS) {
    if (!fd_->Watch(SocketStream::kEvents, *this)) FailLater(SystemError(ENOMEM, "connect"));
  } else if (error == EAGAIN && to_.family() == AF_UNIX) {
    retry_.Arm(kRetry);
  } else {
    FailLater(SystemError(error, "connect"));
  }
}

void Connecting::OnReady(std::uint32_t events) {
  const bool broken = (events & (Poller::kError | Poller::kHangUp)) != 0;
  if (!broken && (events & Poller::kWritable) == 0) return;
  int error = broken ? TakeSocketError(fd_->get()) : 0;
  if (error == 0 && ConnectedToSelf(fd_->get(), to_)) error = ECONNREFUSED;
  if (error != 0) {
    error_ = SystemError(error, "connect");
    return OnLater();
  }
  fd_->KeepAliveLater();
  // The handler may destroy this object.
  handler_.OnConnected(std::make_unique<SocketStream>(std::move(*fd_), to_, events));
}

void Connecting::FailLater(Error error) {
  error_ = std::move(error);
  loop_.RunLater(*this);
}

void Connecting::OnLater() {
  if (!error_) {
    // Connected immediately.
    if (to_.family() != AF_UNIX) SetKeepAlive(fd_->get());
    auto stream = SocketStream::Make(std::move(*fd_), to_);
    if (stream != nullptr) return handler_.OnConnected(std::move(stream));
    error_ = SystemError(ENOMEM, "connect");
  }
  // The handler may destroy this object and the error with it.
  const Error error = std::move(*error_);
  handler_.OnConnectFailed(error);
}

void Connecting::OnTimer(io::Timer&) {
  Start();
}

}  // namespace upgate::net
