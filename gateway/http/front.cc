#include "gateway/http/front.h"

#include <utility>

namespace upgate::http {

Front::Front(io::Loop loop, Options options, Tls tls, Entry entry, tls::Scratch& scratch,
             RequestHandler& handler, ClientPlaces& places)
    : loop_(loop),
      options_(std::move(options)),
      tls_(std::move(tls)),
      entry_(std::move(entry)),
      scratch_(scratch),
      handler_(handler),
      places_(places),
      look_again_(loop.timers, *this) {
  places_.SetWaiter(this);
}

Front::~Front() {
  places_.SetWaiter(nullptr);
}

void Front::Update(Options options, Tls tls, Entry entry) {
  options_ = std::move(options);
  tls_ = std::move(tls);
  entry_ = std::move(entry);
  // What clients wait for, such as the rate of new connections, may be another now.
  if (look_again_.armed()) look_again_.Arm(io::Millis{0});
}

Result<SocketAddress> Front::Listen(const SocketAddress& address,
                                    const io::ListenOptions& options) {
  auto listener = loop_.network.Listen(address, options, *this);
  if (!listener) return std::unexpected(listener.error());
  SocketAddress bound = (*listener)->address();
  listeners_.push_back(std::move(*listener));
  return bound;
}

Result<SocketAddress> Front::Listen(std::unique_ptr<io::BoundSocket> socket) {
  auto listener = loop_.network.Adopt(std::move(socket), *this);
  if (!listener) return std::unexpected(listener.error());
  SocketAddress bound = (*listener)->address();
  listeners_.push_back(std::move(*listener));
  return bound;
}

bool Front::HandshakesWait() {
  if (tls_ == nullptr) return false;
  const std::size_t at_work = scratch_.working_handshakes();
  const bool busy = at_work >= kMostHandshakes && loop_.turn.crowded();
  const bool full = scratch_.client_handshakes() >= kMostUnfinished &&
                    !scratch_.EndStalled(loop_.timers.Now(), kHandshakePatience);
  const bool wait = busy || full || at_work >= kMostAtWork;
  if (wait && !crowded_) places_.CountPauseOfHandshakes(loop_.timers.Now());
  crowded_ = wait;
  if (!wait) return false;
  if (busy) {
    loop_.turn.Continue(*this);  // behind the work that others have waiting
  } else {
    HoldBackFor(kHandshakeInterval);
  }
  return true;
}

bool Front::MayAccept() {
  if (HandshakesWait()) return false;
  if (const io::Millis wait = places_.TakeOfRate(loop_.timers); wait.count() > 0) {
    if (!std::exchange(rationed_, true)) places_.CountPauseOfRate(loop_.timers.Now());
    HoldBackFor(wait);
    return false;
  }
  rationed_ = false;
  if (auto place = places_.TryTake()) {
    next_ = std::move(*place);
    hold_back_.OnPlace();
    holding_ = false;
    return true;
  }
  places_.GiveBackToRate(loop_.timers);
  const io::Instant now = loop_.timers.Now();
  if (hold_back_.OnFull(now) == HoldBack::Verdict::kRefuse) {
    holding_ = false;
    return true;
  }
  if (!std::exchange(holding_, true)) places_.CountPause(now);
  HoldBackFor(HoldBack::kInterval);  // a place may also become free on another loop
  return false;
}

void Front::HoldBackFor(io::Millis delay) {
  if (!look_again_.armed()) look_again_.Arm(delay);
}

// Nobody took it.
void Front::ReturnPlace() {
  next_ = {};
  places_.GiveBackToRate(loop_.timers);
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
    stream->Abort();
    return;
  }
  places_.stats().connections_total.Add();
  if (entry_.proxies != nullptr && !entry_.proxies->Has(stream->peer_address())) {
    places_.CountProxyRefusal(
        {ProxyFault::kUntrusted, "the peer is not in trusted_proxies of this listener"},
        stream->peer_address(), loop_.timers.Now());
    next_ = {};
    stream->Abort();
    return;
  }
  const bool asks = entry_.access != nullptr || places_.counts_clients();
  if (asks && entry_.proxies == nullptr && !MayEnter(stream->peer_address(), next_)) {
    next_ = {};
    stream->Abort();
    return;
  }
  if (tls_ != nullptr && places_.refuses_handshakes()) {
    places_.CountTurnedAway(stats::TurnedAway::kOverload, stream->peer_address(),
                            loop_.timers.Now());
    next_ = {};
    stream->Abort();
    return;
  }
  // A handshake takes more than an answer would, and nothing can be said before it is over.
  if (tls_ != nullptr && loop_.memory.over()) {
    loop_.memory.NoteRefusal(io::MemoryRefusal::kConnection);
    next_ = {};
    stream->Abort();
    return;
  }
  Client& client = *clients_.emplace_back(std::make_unique<Client>(*this));
  client.index = clients_.size() - 1;
  client.place = std::exchange(next_, {});
  if (entry_.proxies != nullptr) {
    client.proxy = stream->peer_address();
    stream = std::make_unique<ProxiedStream>(std::move(stream), options_->limits.head_timeout,
                                             loop_, client);
  }
  if (tls_ != nullptr)
    stream = tls_->Get()->Wrap(std::move(stream), options_->limits.head_timeout, loop_, scratch_);
  client.options = options_;
  client.connection =
      ServerConnection::Start(std::move(stream), loop_, *client.options, handler_, client);
}

void Front::OnAcceptFailed(const Error& error) {
  ReturnPlace();
  places_.CountPauseOfSystem(error, loop_.timers.Now());
}

void Front::OnProxyRefused(Client& client, const ProxyError& error) {
  if (client.index == Client::kGone) return;
  places_.CountProxyRefusal(error, client.proxy, loop_.timers.Now());
  Remove(client);
}

bool Front::OnProxyHeader(Client& client, const SocketAddress& address) {
  if (MayEnter(address, client.place)) return true;
  Remove(client);
  return false;
}

bool Front::MayEnter(const SocketAddress& address, ClientPlaces::Place& place) {
  using enum stats::TurnedAway;
  const auto turn_away = [&](stats::TurnedAway why) {
    places_.CountTurnedAway(why, address, loop_.timers.Now());
    return false;
  };
  if (entry_.access != nullptr && !entry_.access->Allows(address)) return turn_away(kAddress);
  const bool counted = entry_.uncounted == nullptr || !entry_.uncounted->Has(address);
  if (counted && !ClientPlaces::CountClient(place, address)) return turn_away(kConnectionsOfClient);
  return true;
}

void Front::Remove(Client& client) {
  const std::size_t index = std::exchange(client.index, Client::kGone);
  if (index == Client::kGone) return;
  places_.OnConnectionDone(client.place);
  loop_.turn.DeferDelete(std::move(clients_[index]));
  if (index + 1 < clients_.size()) {
    clients_[index] = std::move(clients_.back());
    clients_[index]->index = index;
  }
  clients_.pop_back();
  if (empty_ && clients_.empty()) std::exchange(empty_, nullptr)();
}

void Front::Drain(std::function<void()> empty) {
  for (auto& listener : listeners_) listener->AcceptWaiting();
  listeners_.clear();
  if (clients_.empty()) return empty();
  empty_ = std::move(empty);
  // From the end: whoever takes the place of one that is removed has had its turn.
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i < clients_.size()) clients_[i]->connection->Drain();
  }
}

void Front::Abort() {
  listeners_.clear();
  for (auto& client : clients_) {
    client->index = Client::kGone;
    loop_.turn.DeferDelete(std::move(client));
  }
  clients_.clear();
  if (empty_) std::exchange(empty_, nullptr)();
}

}  // namespace upgate::http
