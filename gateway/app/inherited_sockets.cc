#include "gateway/app/inherited_sockets.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "gateway/net/listener.h"

namespace upgate::app {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kMost = 1024;

// The number in an environment variable; -1 if it has none.
int NumberIn(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return -1;
  int number = -1;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  return error == std::errc{} && stop == end ? number : -1;
}

}  // namespace

InheritedSockets InheritedSockets::FromEnvironment(Log& log) {
  InheritedSockets inherited;
  // Variables for another process are ignored.
  const bool ours = NumberIn("LISTEN_PID") == static_cast<int>(::getpid());
  const int count = ours ? std::clamp(NumberIn("LISTEN_FDS"), 0, kMost) : 0;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  for (int fd = kFirst; fd < kFirst + count; ++fd) {
    UniqueFd socket(fd);
    const auto address = net::PrepareInherited(fd);
    if (!address) {
      log.Warn("inherited socket not usable",
               {{"fd", std::int64_t{fd}}, {"why", address.error().message}});
      continue;
    }
    inherited.sockets_.push_back({std::move(socket), *address});
  }
  return inherited;
}

Result<std::unique_ptr<io::BoundSocket>> InheritedSockets::Take(
    const SocketAddress& address) const {
  const auto it = std::ranges::find(sockets_, address, &Socket::address);
  if (it == sockets_.end()) return nullptr;
  return net::ShareInherited(it->fd.get());
}

void InheritedSockets::WarnOfUnused(const std::vector<std::vector<SocketAddress>>& listeners,
                                    Log& log) const {
  for (const Socket& socket : sockets_) {
    const bool used = std::ranges::any_of(listeners, [&](const auto& addresses) {
      return std::ranges::find(addresses, socket.address) != addresses.end();
    });
    if (!used) log.Warn("inherited socket not used", {{"address", ToString(socket.address)}});
  }
}

}  // namespace upgate::app
