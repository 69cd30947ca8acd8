#include "gateway/net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "gateway/net/socket.h"
#include "gateway/net/socket_stream.h"
#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// True if the error concerns one connection that failed before it was accepted (accept(2), "Error
// handling"). All other errors, above all a lack of descriptors or memory, would recur immediately.
bool IsOfOneConnection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
      return true;
    default:
      return false;
  }
}

// Two sockets that bind the same address at the same time can each see the other as listening
// already and both fail, because the system marks them as listening before it decides. So listen is
// retried, after pauses that differ between processes.
int ListenFirst(int fd, int backlog) {
  constexpr int kTries = 10;
  for (int tries = 1;; ++tries) {
    if (::listen(fd, backlog) == 0) return 0;
    if (errno != EADDRINUSE || tries == kTries) return errno;
    std::this_thread::sleep_for(std::chrono::microseconds(std::random_device()() % (100 * tries)));
  }
}

// Returns 0 or the error number.
//
// The first socket must own the address before others may share it. With SO_REUSEPORT from the
// start, two gateways started together would both get it. The system checks the option of the
// existing sockets when another one binds. So the first socket binds and listens without the
// option, which only one can do, and sets it afterwards for the other sockets of its process.
int ListenTcp(int fd, const RawAddress& raw, const io::ListenOptions& options) {
  // For the sockets that it accepts.
  SetKeepAlive(fd);
  // Allows reuse of a port with connections in TIME-WAIT.
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.sharing == io::Sharing::kJoin) SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  // The system's default may be different.
  if (raw.family() == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(fd, raw.get(), raw.length) != 0) return errno;
  if (const int error = ListenFirst(fd, options.backlog); error != 0) return error;
  if (options.sharing == io::Sharing::kFirst) SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  return 0;
}

class Bound final : public io::BoundSocket {
 public:
  Bound(UniqueFd socket, UnixSocketFile socket_file, bool is_inherited = false)
      : fd(std::move(socket)), file(std::move(socket_file)), inherited(is_inherited) {}
  SocketAddress address() const override { return FromRaw(LocalAddress(fd.get())); }

  UniqueFd fd;
  UnixSocketFile file;
  const bool inherited;
};

}  // namespace

Result<std::unique_ptr<io::BoundSocket>> Bind(const SocketAddress& address,
                                              const io::ListenOptions& options) {
  const auto failed = [&](int error) {
    return std::unexpected(SystemError(error, fmt::format("listen on {}", ToString(address))));
  };
  const auto raw = ToRaw(address);
  if (!raw) return std::unexpected(raw.error());
  auto fd = OpenSocket(raw->family());
  if (!fd) return std::unexpected(fd.error());
  UnixSocketFile file;
  if (const auto* unix_path = std::get_if<UnixPath>(&address)) {
    auto bound = UnixSocketFile::Bind(fd->get(), *raw, unix_path->path);
    if (!bound) return std::unexpected(bound.error());
    file = std::move(*bound);
    if (::listen(fd->get(), options.backlog) != 0) return failed(errno);
  } else if (const int error = ListenTcp(fd->get(), *raw, options); error != 0) {
    return failed(error);
  }
  return std::make_unique<Bound>(std::move(*fd), std::move(file));
}

Result<SocketAddress> PrepareInherited(int fd) {
  const auto option = [fd](int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  if (option(SO_TYPE) != SOCK_STREAM || option(SO_ACCEPTCONN) != 1)
    return Fail(Errc::kOther, "it is not a listening stream socket");
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    return std::unexpected(SystemError(errno, "fcntl"));
  return FromRaw(LocalAddress(fd));
}

Result<std::unique_ptr<io::BoundSocket>> ShareInherited(int fd) {
  UniqueFd shared(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!shared) return std::unexpected(SystemError(errno, "dup"));
  return std::make_unique<Bound>(std::move(shared), UnixSocketFile(), true);
}

Result<std::unique_ptr<Listener>> Listener::Open(Loop& loop, const SocketAddress& address,
                                                 const io::ListenOptions& options,
                                                 io::AcceptHandler& handler) {
  auto socket = Bind(address, options);
  if (!socket) return std::unexpected(socket.error());
  return Adopt(loop, std::move(*socket), handler);
}

Result<std::unique_ptr<Listener>> Listener::Adopt(Loop& loop,
                                                  std::unique_ptr<io::BoundSocket> socket,
                                                  io::AcceptHandler& handler) {
  auto& bound = static_cast<Bound&>(*socket);  // there is no other kind here
  auto listener = std::unique_ptr<Listener>(
      new Listener(loop, std::move(bound.fd), std::move(bound.file), bound.inherited, handler));
  if (!listener->fd_.Watch(Poller::kReadable, *listener))
    return std::unexpected(SystemError(ENOMEM, "listen on " + ToString(listener->address_)));
  return listener;
}

Listener::Listener(Loop& loop, UniqueFd fd, UnixSocketFile file, bool inherited,
                   io::AcceptHandler& handler)
    : handler_(handler),
      file_(std::move(file)),
      inherited_(inherited),
      fd_(loop, std::move(fd)),
      address_(FromRaw(LocalAddress(fd_.get()))),
      pause_(loop.timers(), *this) {}

Listener::~Listener() {
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void Listener::OnReady(std::uint32_t) {
  const std::uint64_t turn = fd_.loop().turns();
  burst_ = turn == last_turn_ + 1 ? std::min(2 * burst_, kAcceptsPerTurn) : 1;
  last_turn_ = turn;
  bool destroyed = false;
  destroyed_ = &destroyed;
  for (int accepts = 0; accepts < burst_; ++accepts) {
    const bool go_on = AcceptOne();
    if (destroyed) return;
    if (!go_on) break;
  }
  destroyed_ = nullptr;
}

bool Listener::AcceptOne() {
  if (!handler_.MayAccept()) {
    fd_.Watch(0, *this);
    return false;
  }
  RawAddress peer;
  UniqueFd fd(::accept4(fd_.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    const int error = errno;
    const bool nobody = error == EAGAIN || error == EWOULDBLOCK;
    if (nobody) burst_ = 1;
    if (!nobody && !IsOfOneConnection(error)) {
      Pause(error);
      return false;
    }
    handler_.OnNoConnection();
    return !nobody;
  }
  auto stream = SocketStream::Make(WatchedFd(fd_.loop(), std::move(fd)), peer);
  if (stream == nullptr) {
    Pause(ENOMEM);
    return false;
  }
  handler_.OnAccept(std::move(stream));
  return true;
}

// Connections stay in the backlog; watching the socket meanwhile would busy-loop.
void Listener::Pause(int error) {
  fd_.Watch(0, *this);
  pause_.Arm(kPause);
  handler_.OnAcceptFailed(Error{Errc::kLimit, SystemError(error, "accept").message});
}

void Listener::AcceptWaiting() {
  if (inherited_) return;
  bool destroyed = false;
  destroyed_ = &destroyed;
  while (AcceptOne() && !destroyed) {
  }
  if (!destroyed) destroyed_ = nullptr;
}

void Listener::OnTimer(io::Timer&) {
  fd_.Watch(Poller::kReadable, *this);
}

void Listener::Resume() {
  if (!pause_.armed()) fd_.Watch(Poller::kReadable, *this);
}

}  // namespace upgate::net
