#include "tests/conformance/connection.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/support/uninterrupted.h"

namespace upgate::conformance {
namespace {

using std::chrono::steady_clock;

// Long enough for the slowest machine with sanitizers; only failures take that long.
steady_clock::time_point Patience() {
  return steady_clock::now() + std::chrono::seconds(60);
}

// Whether one of `events` occurs before the deadline.
bool PollUntil(int fd, short events, steady_clock::time_point deadline) {
  pollfd polled{fd, events, 0};
  return test::Uninterrupted([&] {
           const auto left =
               std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
           return left.count() > 0 ? ::poll(&polled, 1, static_cast<int>(left.count())) : 0;
         }) > 0;
}

// Resumes sessions: thousands of full handshakes would take most of the suite's time.
class TlsContext {
 public:
  explicit TlsContext(int most_version) : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    std::signal(SIGPIPE, SIG_IGN);
    SSL_CTX_set_max_proto_version(context_.get(), most_version);
    SSL_CTX_set_session_cache_mode(context_.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_mode(context_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
      static_cast<TlsContext*>(SSL_get_app_data(ssl))->session_.reset(session);
      return 1;
    });
  }
  SSL* Make() {
    SSL* ssl = SSL_new(context_.get());
    SSL_set_app_data(ssl, this);
    if (session_) SSL_set_session(ssl, session_.get());
    return ssl;
  }

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> session_{nullptr, SSL_SESSION_free};
};

TlsContext& Context(Transport transport) {
  static TlsContext newest(TLS1_3_VERSION);
  static TlsContext short_handshake(TLS1_2_VERSION);
  return transport == Transport::kTls ? newest : short_handshake;
}

sockaddr_in Loopback(std::uint16_t port, std::uint32_t host = INADDR_LOOPBACK) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  address.sin_port = htons(port);
  return address;
}

// Each closed connection blocks its port for a minute (TIME_WAIT), and one address does not have
// enough ports for all.
std::uint32_t NextHost() {
  static std::uint32_t next = 0;
  return INADDR_LOOPBACK + next++ % 200;
}

// The port of one end of a descriptor that may not be a socket. Calls the kernel directly, because
// the descriptor belongs to somebody else and may be closed at any time.
int PortOf(long call, int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::syscall(call, fd, &address, &size) != 0 || address.sin_family != AF_INET) return -1;
  return ntohs(address.sin_port);
}

[[noreturn]] void ThrowSystemError(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

int Socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) ThrowSystemError("a socket");
  return fd;
}

}  // namespace

Connection::Connection(std::uint16_t port, Transport transport)
    : fd_(Socket(AF_INET)), tls_(nullptr, SSL_free) {
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const sockaddr_in gateway = Loopback(port);
  const sockaddr_in own = Loopback(0, NextHost());
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
      ::connect(fd_, reinterpret_cast<const sockaddr*>(&gateway), sizeof gateway) != 0) {
    ThrowSystemError("the gateway cannot be reached");
  }
  Prepare();
  if (transport != Transport::kPlain) StartTls(transport);
}

Connection::Connection(const std::string& unix_socket)
    : fd_(Socket(AF_UNIX)), unix_(true), tls_(nullptr, SSL_free) {
  sockaddr_un gateway{};
  gateway.sun_family = AF_UNIX;
  if (unix_socket.size() >= sizeof gateway.sun_path) throw std::runtime_error("too long a path");
  unix_socket.copy(gateway.sun_path, unix_socket.size());
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&gateway), sizeof gateway) != 0)
    ThrowSystemError("the gateway cannot be reached");
  DisableWaits();
}

Connection::Connection(int accepted) : fd_(accepted), tls_(nullptr, SSL_free) {
  Prepare();
}

void Connection::Prepare() {
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  DisableWaits();
  port_ = PortOf(SYS_getpeername, fd_);
  own_port_ = PortOf(SYS_getsockname, fd_);
}

void Connection::DisableWaits() {
  int on = 1;
  if (::ioctl(fd_, FIONBIO, &on) != 0) ThrowSystemError("a socket without waits");
}

Connection::~Connection() {
  ::close(fd_);
}

void Connection::StartTls(Transport transport) {
  tls_.reset(Context(transport).Make());
  SSL_set_fd(tls_.get(), fd_);
  const Deadline deadline = Patience();
  for (;;) {
    ERR_clear_error();
    const int done = SSL_connect(tls_.get());
    if (done == 1) return;
    const int wants = SSL_get_error(tls_.get(), done);
    const bool waits = wants == SSL_ERROR_WANT_READ || wants == SSL_ERROR_WANT_WRITE;
    if (!waits || !Poll(wants == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) {
      throw std::runtime_error("no TLS handshake");
    }
  }
}

bool Connection::Poll(short events, Deadline deadline) const {
  return PollUntil(fd_, events, deadline);
}

bool Connection::ReadSome() {
  if (ending_ != Ending::kOpen) return false;
  std::array<char, 65536> buffer;
  if (tls_) {
    ERR_clear_error();
    const int size = SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (size > 0) {
      received_.append(buffer.data(), static_cast<std::size_t>(size));
      return true;
    }
    const int wants = SSL_get_error(tls_.get(), size);
    if (wants == SSL_ERROR_WANT_READ || wants == SSL_ERROR_WANT_WRITE) return false;
    ending_ = wants == SSL_ERROR_ZERO_RETURN ? Ending::kEnd : Ending::kBroken;
    return true;
  }
  const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (size > 0) {
    received_.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  ending_ = size == 0 ? Ending::kEnd : Ending::kBroken;
  return true;
}

std::size_t Connection::WriteSome(std::string_view bytes) {
  if (tls_) {
    ERR_clear_error();
    const int size = SSL_write(tls_.get(), bytes.data(),
                               static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
    if (size > 0) return static_cast<std::size_t>(size);
    const int wants = SSL_get_error(tls_.get(), size);
    gone_ = wants != SSL_ERROR_WANT_WRITE && wants != SSL_ERROR_WANT_READ;
    return 0;
  }
  const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size >= 0) return static_cast<std::size_t>(size);
  gone_ = errno != EAGAIN && errno != EINTR;
  return 0;
}

void Connection::Send(std::string_view bytes) {
  const Deadline deadline = Patience();
  while (!gone_) {
    bytes.remove_prefix(WriteSome(bytes));
    if (bytes.empty()) return;
    const bool reads = ending_ == Ending::kOpen;
    if (!gone_ && !Poll(static_cast<short>(POLLOUT | (reads ? POLLIN : 0)), deadline)) {
      throw std::runtime_error("the gateway takes no bytes");
    }
    while (ReadSome() && ending_ == Ending::kOpen) {
    }
  }
}

bool Connection::IsPeer(int fd) const {
  return PortOf(SYS_getpeername, fd) == own_port_ && PortOf(SYS_getsockname, fd) == port_;
}

int Connection::PeerDescriptor() {
  if (peer_ >= 0 && IsPeer(peer_)) return peer_;
  // The descriptors of connections opened one after the other are close to each other.
  static int last = 0;
  constexpr int kMostDescriptors = 512;
  for (int i = 0; i < kMostDescriptors; ++i) {
    peer_ = (last + i) % kMostDescriptors;
    if (IsPeer(peer_)) return last = peer_;
  }
  return peer_ = -1;
}

int Connection::Unread() {
  int unread = 0;
  // The queue of a unix socket ends in the reader; that of a TCP socket in the reader's kernel.
  if (unix_) return ::ioctl(fd_, SIOCOUTQ, &unread) == 0 ? unread : 0;
  if (peer_ < 0) peer_ = PeerDescriptor();
  if (peer_ < 0 || ::syscall(SYS_ioctl, peer_, FIONREAD, &unread) != 0) return 0;
  // Once the gateway has closed its end, the descriptor may be another connection's.
  return unread == 0 || IsPeer(peer_) ? unread : 0;
}

void Connection::WaitUntilRead() {
  const Deadline deadline = Patience();
  while (Unread() != 0) {
    if (steady_clock::now() > deadline) throw std::runtime_error("the gateway does not read");
    ::sched_yield();
  }
}

bool Connection::WaitUntilForgotten() {
  const Deadline deadline = Patience();
  while (PeerDescriptor() >= 0) {
    if (steady_clock::now() > deadline) return false;
    ::sched_yield();
  }
  return true;
}

bool Connection::Await(std::size_t count) {
  const Deadline deadline = Patience();
  while (received_.size() < count && ending_ == Ending::kOpen) {
    if (!ReadSome() && !Poll(POLLIN, deadline)) return false;
  }
  return received_.size() >= count;
}

std::string Connection::ReadHead() {
  for (std::size_t size = 4; Await(size); size = received_.size() + 1) {
    const std::size_t end = received_.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    std::string head = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    return head;
  }
  return {};
}

Ending Connection::ReadToEnd() {
  const Deadline deadline = Patience();
  while (ending_ == Ending::kOpen) {
    if (!ReadSome() && !Poll(POLLIN, deadline)) break;
  }
  return ending_;
}

void Connection::End() {
  if (tls_) SSL_shutdown(tls_.get());
  ::shutdown(fd_, SHUT_WR);
}

Listener::Listener() : fd_(Socket(AF_INET)) {
  const sockaddr_in own = Loopback(0);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
      ::listen(fd_, 128) != 0) {
    ThrowSystemError("a server cannot listen");
  }
  port_ = static_cast<std::uint16_t>(PortOf(SYS_getsockname, fd_));
}

Listener::~Listener() {
  ::close(fd_);
}

std::unique_ptr<Connection> Listener::Accept() {
  if (!PollUntil(fd_, POLLIN, Patience())) throw std::runtime_error("the gateway does not connect");
  const int fd =
      test::Uninterrupted([&] { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); });
  if (fd < 0) ThrowSystemError("accept");
  return std::make_unique<Connection>(fd);
}

bool Listener::waiting() const {
  pollfd polled{fd_, POLLIN, 0};
  return ::poll(&polled, 1, 0) > 0;
}

}  // namespace upgate::conformance
