#include "gateway/app/notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "gateway/base/fd.h"
#include "gateway/base/result.h"
#include "gateway/base/text.h"
#include "gateway/net/system_error.h"

namespace upgate::app {
namespace {

struct ManagerAddress {
  sockaddr_un raw{};
  socklen_t length = 0;
};

// sd_notify(3) also supports "vsock:" addresses, for virtual machines that notify their host; not
// needed here.
Result<ManagerAddress> Parse(const std::string& socket) {
  if (socket[0] != '/' && socket[0] != '@')
    return Fail(Errc::kOther, "neither a path nor an abstract address");
  ManagerAddress address;
  // A path is stored with its NUL; an abstract name is as long as it is, and starts with a NUL
  // instead of the @.
  const std::size_t stored = socket.size() + (socket[0] == '/' ? 1 : 0);
  if (socket.size() < 2 || stored > sizeof(address.raw.sun_path))
    return Fail(Errc::kOther, "invalid length");
  address.raw.sun_family = AF_UNIX;
  std::ranges::copy(socket, address.raw.sun_path);
  if (socket[0] == '@') address.raw.sun_path[0] = '\0';
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + stored);
  return address;
}

Result<void> SendDatagram(const ManagerAddress& to, std::string_view text) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(net::SystemError(errno, "socket"));
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0) {
    return std::unexpected(net::SystemError(errno, "SO_SNDTIMEO"));
  }
  ssize_t sent = 0;
  do {
    sent = ::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&to.raw), to.length);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return std::unexpected(net::SystemError(errno));
  return {};
}

}  // namespace

Notifier::Notifier(const char* socket, Log& log)
    : socket_(socket == nullptr ? "" : socket), log_(log) {}

void Notifier::Reloading(std::string_view status) const {
  // Distinguishes this message from the Ready of an earlier reload.
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t micros = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  Send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros), status);
}

void Notifier::Send(std::string_view state, std::string_view status) const {
  assert(std::ranges::none_of(status, IsControl) && "a line of its own");
  if (socket_.empty()) return;
  std::string text(state);
  text.append("\nSTATUS=").append(status).append("\n");
  const auto address = Parse(socket_);
  const Result<void> sent =
      address ? SendDatagram(*address, text) : std::unexpected(address.error());
  if (sent) return;
  log_.Debug("service manager not told",
             {{"socket", socket_}, {"message", state}, {"reason", sent.error().message}});
}

}  // namespace upgate::app
