#include "tests/bench/backend/server.h"

#include <sys/epoll.h>

#include <array>
#include <utility>

#include "tests/bench/backend/http_connection.h"
#include "tests/bench/backend/tcp_connections.h"
#include "tests/bench/backend/ws_connections.h"
#include "tests/bench/wire/die.h"
#include "tests/bench/wire/socket.h"

namespace upgate::bench {
namespace {

template <class T>
std::unique_ptr<Connection> Make(Server& server, UniqueFd fd) {
  return std::make_unique<T>(server, std::move(fd));
}

}  // namespace

Server::Factory Server::FactoryOf(std::string_view kind) {
  static constexpr std::array<std::pair<std::string_view, Factory>, 7> kKinds{{
      {"tcp-echo", Make<TcpEcho>},
      {"tcp-sink", Make<TcpSink>},
      {"tcp-source", Make<TcpSource>},
      {"ws-echo", Make<WsEcho>},
      {"ws-sink", Make<WsSink>},
      {"ws-source", Make<WsSource>},
      {"http", Make<HttpConnection>},
  }};
  for (const auto& [name, factory] : kKinds) {
    if (name == kind) return factory;
  }
  Die("no server of this kind: " + std::string(kind));
}

Server::Server(Loop& loop, std::string_view kind, std::uint16_t port, std::size_t message_size)
    : loop_(loop),
      pattern_(message_size, false),
      factory_(FactoryOf(kind)),
      listener_(ListenAt(port)) {
  loop_.Add(listener_.get(), EPOLLIN, *this);
}

void Server::OnEvents(std::uint32_t /*events*/) {
  while (UniqueFd fd = Accept(listener_.get())) {
    auto connection = factory_(*this, std::move(fd));
    Connection* const key = connection.get();
    connections_.emplace(key, std::move(connection));
  }
}

void Server::OnDone(Connection& connection) {
  auto node = connections_.extract(&connection);
  loop_.DeferDelete(std::move(node.mapped()));
}

}  // namespace upgate::bench
