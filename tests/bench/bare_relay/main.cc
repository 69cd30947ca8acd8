// The baseline for all proxies: relays bytes between each client and one server, and does nothing
// else. One thread, epoll, one buffer of 64 KiB.
//   bare_relay PORT SERVER_PORT
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/wire/die.h"
#include "tests/bench/wire/socket.h"

namespace upgate::bench {
namespace {

struct Pair;

struct End {
  Pair* pair = nullptr;
  End* other = nullptr;
  UniqueFd fd;
  std::uint32_t events = 0;
  std::string queue;  // not yet accepted by the kernel; the other end is not read meanwhile
};

struct Pair {
  End client;
  End server;
  bool dead = false;
};

class Relay {
 public:
  Relay(std::uint16_t port, std::uint16_t server_port)
      : server_port_(server_port), epoll_(epoll_create1(0)), listener_(ListenAt(port)) {
    if (!epoll_) DieErrno("epoll_create1");
    Watch(EPOLL_CTL_ADD, listener_.get(), EPOLLIN, nullptr);
  }

  void Run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      if (count < 0 && errno != EINTR) DieErrno("epoll_wait");
      for (int i = 0; i < count; ++i) Handle(events[static_cast<std::size_t>(i)]);
      dead_.clear();
    }
  }

 private:
  void Handle(const epoll_event& event) {
    if (event.data.ptr == nullptr) return TakeClients();
    End& end = *static_cast<End*>(event.data.ptr);
    if (end.pair->dead) return;
    if ((event.events & EPOLLOUT) != 0) Flush(end);
    if (end.pair->dead) return;
    if ((event.events & (EPOLLHUP | EPOLLERR)) != 0 && (end.events & EPOLLIN) == 0) {
      Close(*end.pair);
    } else if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
      Read(end);
    }
  }

  void TakeClients() {
    while (UniqueFd fd = Accept(listener_.get())) {
      auto* const pair = new Pair;  // owns itself until Close
      Open(*pair, pair->client, pair->server, std::move(fd));
      Open(*pair, pair->server, pair->client, ConnectTo(server_port_));
    }
  }

  void Open(Pair& pair, End& end, End& other, UniqueFd fd) {
    end.pair = &pair;
    end.other = &other;
    end.fd = std::move(fd);
    end.events = EPOLLIN;
    Watch(EPOLL_CTL_ADD, end.fd.get(), end.events, &end);
  }

  void Read(End& from) {
    const ssize_t size = read(from.fd.get(), buffer_.data(), buffer_.size());
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return Close(*from.pair);
    End& to = *from.other;
    ssize_t sent = write(to.fd.get(), buffer_.data(), static_cast<std::size_t>(size));
    if (sent < 0 && errno != EAGAIN) return Close(*from.pair);
    if (sent == size) return;
    sent = std::max<ssize_t>(sent, 0);
    to.queue.assign(buffer_.data() + sent, static_cast<std::size_t>(size - sent));
    SetEvents(to, to.events | EPOLLOUT);
    SetEvents(from, from.events & ~std::uint32_t{EPOLLIN});
  }

  void Flush(End& to) {
    const ssize_t sent = write(to.fd.get(), to.queue.data(), to.queue.size());
    if (sent < 0 && errno != EAGAIN) return Close(*to.pair);
    to.queue.erase(0, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    if (!to.queue.empty()) return;
    SetEvents(to, to.events & ~std::uint32_t{EPOLLOUT});
    SetEvents(*to.other, to.other->events | EPOLLIN);
  }

  void Close(Pair& pair) {
    pair.dead = true;
    pair.client.fd = UniqueFd();
    pair.server.fd = UniqueFd();
    dead_.emplace_back(&pair);  // until all events of this turn are handled
  }

  void SetEvents(End& end, std::uint32_t events) {
    end.events = events;
    Watch(EPOLL_CTL_MOD, end.fd.get(), events, &end);
  }

  void Watch(int operation, int fd, std::uint32_t events, End* end) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = end;
    if (epoll_ctl(epoll_.get(), operation, fd, &event) != 0) DieErrno("epoll_ctl");
  }

  const std::uint16_t server_port_;
  UniqueFd epoll_;
  UniqueFd listener_;
  std::array<char, 64 * 1024> buffer_{};
  std::vector<std::unique_ptr<Pair>> dead_;
};

}  // namespace
}  // namespace upgate::bench

int main(int argc, char** argv) {
  using namespace upgate::bench;
  if (argc != 3) Die("usage: bare_relay PORT SERVER_PORT");
  std::signal(SIGPIPE, SIG_IGN);
  Relay(static_cast<std::uint16_t>(std::atoi(argv[1])),
        static_cast<std::uint16_t>(std::atoi(argv[2])))
      .Run();
}
