#include "tests/bench/wire/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

sockaddr_in LoopbackAddress(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void SetOption(int fd, int level, int name) {
  const int on = 1;
  if (setsockopt(fd, level, name, &on, sizeof on) != 0) DieErrno("setsockopt");
}

UniqueFd NewSocket() {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) DieErrno("socket");
  return fd;
}

void BindTo(int fd, const sockaddr_in& address) {
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) DieErrno("bind");
}

}  // namespace

UniqueFd ListenAt(std::uint16_t port) {
  UniqueFd fd = NewSocket();
  SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  BindTo(fd.get(), LoopbackAddress(port));
  if (listen(fd.get(), 4096) != 0) DieErrno("listen");
  return fd;
}

UniqueFd Accept(int listener) {
  UniqueFd fd(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd) {
    SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  } else if (errno != EAGAIN && errno != ECONNABORTED) {
    DieErrno("accept");
  }
  return fd;
}

UniqueFd ConnectTo(std::uint16_t port, const std::string& source) {
  UniqueFd fd = NewSocket();
  SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  if (!source.empty()) {
    // The port is chosen at connect, so that one port can serve several destinations.
    SetOption(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    sockaddr_in from = LoopbackAddress(0);
    if (inet_pton(AF_INET, source.c_str(), &from.sin_addr) != 1) Die("no address: " + source);
    BindTo(fd.get(), from);
  }
  const sockaddr_in to = LoopbackAddress(port);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS) {
    DieErrno("connect");
  }
  return fd;
}

int SocketError(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) DieErrno("getsockopt");
  return error;
}

}  // namespace upgate::bench
