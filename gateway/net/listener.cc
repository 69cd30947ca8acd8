#include "gateway/net/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "gateway/net/socket.h"
#include "gateway/net/socket_stream.h"
#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// Whether the error is that of one connection, which broke before we got to it (accept(2), "Error
// handling"). All others, a lack of descriptors or memory above all, would come again at once.
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

// 0 or the error number. `share`: with others who do the same.
int BindTcp(int fd, const RawAddress& raw, bool share) {
  const int on = 1;
  const int off = 0;
  const int shared = share ? on : off;
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return errno;
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof shared) != 0) return errno;
  if (raw.family() == AF_INET6) {
    // The system's default may be otherwise.
    static_cast<void>(::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off));
  }
  return ::bind(fd, raw.get(), raw.length) == 0 ? 0 : errno;
}

// Whether somebody has the address: a bind that does not share it fails then.
int ProbeTcp(const RawAddress& raw) {
  const auto probe = OpenSocket(raw.family());
  return probe ? BindTcp(probe->get(), raw, false) : 0;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::Open(Loop& loop, const SocketAddress& address,
                                                 const io::ListenOptions& options,
                                                 io::AcceptHandler& handler) {
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
  } else {
    int error = options.exclusive ? ProbeTcp(*raw) : 0;
    if (error == 0) error = BindTcp(fd->get(), *raw, true);
    if (error != 0) return failed(error);
  }
  if (::listen(fd->get(), options.backlog) != 0) return failed(errno);

  auto listener =
      std::unique_ptr<Listener>(new Listener(loop, std::move(*fd), std::move(file), handler));
  if (!listener->fd_.Watch(Poller::kReadable, *listener)) return failed(ENOMEM);
  return listener;
}

Listener::Listener(Loop& loop, UniqueFd fd, UnixSocketFile file, io::AcceptHandler& handler)
    : handler_(handler),
      file_(std::move(file)),
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
  for (int accepts = 0; accepts < burst_; ++accepts) {
    RawAddress peer;
    UniqueFd fd(::accept4(fd_.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        burst_ = 1;
        return;
      }
      if (IsOfOneConnection(errno)) continue;
      return Pause(errno);
    }
    auto stream = SocketStream::Make(WatchedFd(fd_.loop(), std::move(fd)), peer);
    if (stream == nullptr) continue;
    destroyed_ = &destroyed;
    handler_.OnAccept(std::move(stream));
    if (destroyed) return;
    destroyed_ = nullptr;
  }
}

// The connections stay in the backlog, and watching it would only spin.
void Listener::Pause(int error) {
  fd_.Watch(0, *this);
  pause_.Arm(kPause);
  handler_.OnAcceptFailed(Error{Errc::kLimit, SystemError(error, "accept").message});
}

void Listener::OnTimer(io::Timer&) {
  fd_.Watch(Poller::kReadable, *this);
}

}  // namespace upgate::net
