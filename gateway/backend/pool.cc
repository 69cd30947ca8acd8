#include "gateway/backend/pool.h"

#include <utility>
#include <variant>
#include <vector>

#include "gateway/base/match.h"

namespace upgate::backend {

stats::HandshakeOutcome OutcomeOf(const OpenError& error) {
  using stats::HandshakeOutcome;
  if (error.code == Errc::kTimeout) return HandshakeOutcome::kBackendTimeout;
  if (error.code == Errc::kLimit) return HandshakeOutcome::kNoResources;
  return HandshakeOutcome::kBackendFailed;
}

// One attempt to reach any server of the pool: name, then each of its addresses, then TLS; then the
// next server.
class Pool::Opening final : public io::Pending,
                            private io::ResolveHandler,
                            private io::ConnectHandler,
                            private io::Timer::Owner {
 public:
  Opening(Pool& pool, OpenHandler& handler, std::size_t first)
      : pool_(pool), handler_(handler), current_(first), timer_(pool.loop_.timers, *this) {
    TryServer();
  }

 private:
  const config::Server& server() const { return pool_.backend_.servers[current_]; }
  stats::ServerStats& stats() { return pool_.stats_.server[server().index]; }

  void TryServer() {
    started_ = pool_.loop_.timers.Now();
    started_us_ = pool_.loop_.timers.Micros();
    timer_.Arm(pool_.backend_.connect_timeout);
    addresses_.clear();
    next_address_ = 0;
    securing_ = false;
    std::visit(
        Match{
            [&](const HostPort& where) { step_ = pool_.loop_.network.Resolve(where.host, *this); },
            [&](const UnixPath& where) { step_ = pool_.loop_.network.Connect(where, *this); }},
        server().address);
  }

  void OnResolved(const std::vector<Ip>& addresses) override {
    addresses_ = addresses;
    TryAddress();
  }

  void OnResolveFailed(const Error& error) override { ServerFailed(error); }

  void TryAddress() {
    const std::uint16_t port = std::get<HostPort>(server().address).port;
    step_ = pool_.loop_.network.Connect(IpPort{addresses_[next_address_++], port}, *this);
  }

  void OnConnected(std::unique_ptr<io::ByteStream> stream) override {
    if (config::IsSecure(server().scheme) && !securing_) {
      securing_ = true;
      const std::string& host = std::get<HostPort>(server().address).host;
      step_ = pool_.tls_->Handshake(std::move(stream), host, pool_.loop_, pool_.scratch_, *this);
      return;
    }
    timer_.Disarm();
    stats().connects.Add();
    if (pool_.watcher_ != nullptr) pool_.watcher_->OnServerUp(server());
    stats().connect_us.Record(pool_.loop_.timers.Micros() - started_us_);
    handler_.OnOpened(std::move(stream), server(), started_);
  }

  void OnConnectFailed(const Error& error) override {
    if (!securing_ && next_address_ < addresses_.size()) return TryAddress();
    ServerFailed(error);
  }

  void OnTimer(io::Timer&) override {
    stats().connect_timeouts.Add();
    ServerFailed({Errc::kTimeout, "no connection within connect_timeout of the backend"});
  }

  void ServerFailed(const Error& error) {
    timer_.Disarm();
    stats().connect_failures.Add();
    // A lack of our own says nothing about the server.
    if (pool_.watcher_ != nullptr && error.code != Errc::kLimit)
      pool_.watcher_->OnServerDown(server(), error);
    if (!reasons_.empty()) reasons_ += "; ";
    reasons_ += server().url + ": " + error.message;
    if (++tried_ < pool_.backend_.servers.size()) {
      current_ = (current_ + 1) % pool_.backend_.servers.size();
      return TryServer();
    }
    step_.reset();
    handler_.OnOpenFailed({error.code, std::move(reasons_), error.tls_fault});
  }

  Pool& pool_;
  OpenHandler& handler_;
  std::size_t current_;
  std::size_t tried_ = 0;
  std::string reasons_;  // of each server that failed
  std::vector<Ip> addresses_;
  std::size_t next_address_ = 0;
  bool securing_ = false;  // connected, TLS handshake under way
  io::Instant started_{};
  std::uint64_t started_us_ = 0;
  io::Timer timer_;
  std::unique_ptr<io::Pending> step_;
};

Pool::Pool(const config::Backend& backend, tls::ClientContext* tls, io::Loop loop,
           tls::Scratch& scratch, stats::LoopStats& stats, ServerWatcher* watcher,
           std::size_t first)
    : backend_(backend),
      tls_(tls),
      loop_(loop),
      scratch_(scratch),
      stats_(stats),
      watcher_(watcher),
      next_(first % backend.servers.size()) {}

std::unique_ptr<io::Pending> Pool::Open(OpenHandler& handler, std::size_t first) {
  return std::make_unique<Opening>(*this, handler, first);
}

std::size_t Pool::NextServer() {
  const std::size_t server = next_;
  next_ = (next_ + 1) % backend_.servers.size();
  return server;
}

}  // namespace upgate::backend
