#include "gateway/session/front.h"

#include <utility>

namespace upgate::session {

Front::Front(io::Loop loop, const http::ServerOptions& options, tls::ServerContext* tls,
             tls::Scratch& scratch, http::RequestHandler& handler, stats::ListenerStats& stats)
    : loop_(loop),
      options_(options),
      tls_(tls),
      scratch_(scratch),
      handler_(handler),
      stats_(stats) {}

Front::~Front() = default;

Result<SocketAddress> Front::Listen(const SocketAddress& address,
                                    const io::ListenOptions& options) {
  auto listener = loop_.network.Listen(address, options, *this);
  if (!listener) return std::unexpected(listener.error());
  SocketAddress bound = (*listener)->address();
  listeners_.push_back(std::move(*listener));
  return bound;
}

void Front::OnAccept(std::unique_ptr<io::ByteStream> stream) {
  stats_.connections_total.Add();
  stats_.connections_open.Add();
  if (tls_ != nullptr) stream = tls_->Wrap(std::move(stream), loop_, scratch_);
  auto connection =
      http::ServerConnection::Start(std::move(stream), loop_, options_, handler_, *this);
  http::ServerConnection* key = connection.get();
  connections_.emplace(key, std::move(connection));
}

void Front::OnAcceptFailed(const Error& error) {
  stats_.accept_pauses.Add();
  handler_.OnConnectionError(error);
}

void Front::OnConnectionDone(http::ServerConnection& connection) {
  auto node = connections_.extract(&connection);
  if (node.empty()) return;
  stats_.connections_open.Subtract();
  loop_.turn.DeferDelete(std::move(node.mapped()));
  if (empty_ && connections_.empty()) std::exchange(empty_, nullptr)();
}

void Front::Drain(std::function<void()> empty) {
  listeners_.clear();
  if (connections_.empty()) return empty();
  empty_ = std::move(empty);
  std::vector<http::ServerConnection*> all;
  for (const auto& [key, connection] : connections_) all.push_back(key);
  for (http::ServerConnection* connection : all) {
    if (connections_.contains(connection)) connection->Drain();
  }
}

void Front::Abandon() {
  listeners_.clear();
  for (auto& [key, connection] : connections_) {
    stats_.connections_open.Subtract();
    loop_.turn.DeferDelete(std::move(connection));
  }
  connections_.clear();
  if (empty_) std::exchange(empty_, nullptr)();
}

}  // namespace upgate::session
