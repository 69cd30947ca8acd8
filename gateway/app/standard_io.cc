#include "gateway/app/standard_io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "gateway/net/socket_stream.h"
#include "gateway/net/system_error.h"

namespace upgate::app {
namespace {

constexpr std::size_t kBuffer = std::size_t{64} * 1024;

void WaitFor(int fd, short events) {
  pollfd one{.fd = fd, .events = events, .revents = 0};
  ::poll(&one, 1, -1);
}

// Standard streams may be non-blocking because of another process that shares them.
ssize_t ReadSome(int fd, std::array<char, kBuffer>& buffer) {
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size >= 0) return size;
    if (errno == EAGAIN) {
      WaitFor(fd, POLLIN);
    } else if (errno != EINTR) {
      return -1;
    }
  }
}

bool WriteAll(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written >= 0) {
      data += written;
      size -= static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      WaitFor(fd, POLLOUT);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

// Returns at the end of `from`, or when `to` takes no more.
void Copy(int from, int to) {
  std::array<char, kBuffer> buffer;
  for (;;) {
    const ssize_t size = ReadSome(from, buffer);
    if (size <= 0 || !WriteAll(to, buffer.data(), static_cast<std::size_t>(size))) return;
  }
}

}  // namespace

Result<std::unique_ptr<io::ByteStream>> StandardIo::Open(net::Loop& loop) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return std::unexpected(net::SystemError(errno, "socketpair"));
  UniqueFd outer(pair[0]);
  inner_ = UniqueFd(pair[1]);
  ::fcntl(outer.get(), F_SETFL, O_NONBLOCK);
  std::unique_ptr<io::ByteStream> stream = net::SocketStream::Adopt(loop, std::move(outer));
  if (stream == nullptr) return std::unexpected(net::SystemError(ENOMEM, "epoll_ctl"));
  std::thread([fd = inner_.get()] {
    Copy(STDIN_FILENO, fd);
    ::shutdown(fd, SHUT_WR);
  }).detach();
  output_ = std::thread([fd = inner_.get()] {
    Copy(fd, STDOUT_FILENO);
    // A reader of standard output that has gone ends the stream, like a connection that is closed.
    ::shutdown(fd, SHUT_RDWR);
  });
  return stream;
}

void StandardIo::Finish() {
  if (output_.joinable()) output_.join();
}

StandardIo::~StandardIo() {
  Finish();
}

}  // namespace upgate::app
