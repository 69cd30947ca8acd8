#include "gateway/session/front.h"

#include <utility>

namespace upgate::session {

Front::Front(io::Loop loop, const http::ServerOptions& options, tls::ServerContext* tls,
             tls::Scratch& scratch, http::RequestHandler& handler, ClientPlaces& places)
    : loop_(loop),
      options_(options),
      tls_(tls),
      scratch_(scratch),
      handler_(handler),
      places_(places),
      look_again_(loop.timers, *this) {
  places_.SetWaiter(this);
}

Front::~Front() {
  places_.SetWaiter(nullptr);
}

Result<SocketAddress> Front::Listen(const SocketAddress& address,
                                    const io::ListenOptions& options) {
  auto listener = loop_.network.Listen(address, options, *this);
  if (!listener) return std::unexpected(listener.error());
  SocketAddress bound = (*listener)->address();
  listeners_.push_back(std::move(*listener));
  return bound;
}

bool Front::MayAccept() {
  if (auto place = places_.TryTake()) {
    next_ = std::move(*place);
    hold_back_.OnPlace();
    holding_ = false;
    return true;
  }
  const io::Instant now = loop_.timers.Now();
  if (hold_back_.OnFull(now) == HoldBack::Verdict::kRefuse) {
    holding_ = false;
    return true;
  }
  if (!std::exchange(holding_, true)) places_.CountPause(now);
  // A place may also become free on another loop.
  if (!look_again_.armed()) look_again_.Arm(HoldBack::kInterval);
  return false;
}

void Front::LookAgain() {
  for (auto& listener : listeners_) listener->Resume();
}

void Front::OnPlaceFree() {
  if (holding_) loop_.turn.RunLater(*this);
}

void Front::OnAccept(std::unique_ptr<io::ByteStream> stream) {
  if (!next_) {
    places_.CountRefusal(loop_.timers.Now());
    stream->Reset();
    return;
  }
  places_.stats().connections_total.Add();
  // A handshake takes more than an answer would, and nothing can be said before it is over.
  if (tls_ != nullptr && loop_.memory.over()) {
    loop_.memory.NoteRefusal(io::MemoryRefusal::kConnection);
    next_ = {};
    stream->Reset();
    return;
  }
  auto client = std::make_unique<Client>();
  client->place = std::exchange(next_, {});
  if (tls_ != nullptr)
    stream = tls_->Wrap(std::move(stream), options_.limits.head_timeout, loop_, scratch_);
  client->connection =
      http::ServerConnection::Start(std::move(stream), loop_, options_, handler_, *this);
  http::ServerConnection* key = client->connection.get();
  connections_.emplace(key, std::move(client));
}

void Front::OnAcceptFailed(const Error& error) {
  next_ = {};
  places_.CountPauseOfSystem(error, loop_.timers.Now());
}

void Front::OnConnectionDone(http::ServerConnection& connection) {
  auto node = connections_.extract(&connection);
  if (node.empty()) return;
  places_.OnConnectionDone(node.mapped()->place);
  loop_.turn.DeferDelete(std::move(node.mapped()));
  if (empty_ && connections_.empty()) std::exchange(empty_, nullptr)();
}

void Front::Drain(std::function<void()> empty) {
  listeners_.clear();
  if (connections_.empty()) return empty();
  empty_ = std::move(empty);
  std::vector<http::ServerConnection*> all;
  for (const auto& [key, client] : connections_) all.push_back(key);
  for (http::ServerConnection* connection : all) {
    if (connections_.contains(connection)) connection->Drain();
  }
}

void Front::Abandon() {
  listeners_.clear();
  for (auto& [key, client] : connections_) loop_.turn.DeferDelete(std::move(client));
  connections_.clear();
  if (empty_) std::exchange(empty_, nullptr)();
}

}  // namespace upgate::session
