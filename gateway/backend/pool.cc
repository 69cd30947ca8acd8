#include "gateway/backend/pool.h"

#include <utility>
#include <variant>
#include <vector>

#include "gateway/base/match.h"

namespace upgate::backend {

stats::HandshakeOutcome OutcomeOf(const OpenError& error) {
  using stats::HandshakeOutcome;
  if (error.drained) return HandshakeOutcome::kDrained;
  if (error.code == Errc::kTimeout) return HandshakeOutcome::kBackendTimeout;
  if (error.code == Errc::kLimit) return HandshakeOutcome::kNoResources;
  return HandshakeOutcome::kBackendFailed;
}

// One attempt to connect to any server of the pool: resolve the name, try each address, then TLS;
// then the next server.
class Pool::Opening final : public io::Pending,
                            private io::ResolveHandler,
                            private io::ConnectHandler,
                            private io::Timer::Owner {
 public:
  Opening(Pool& pool, OpenHandler& handler, std::size_t first)
      : pool_(pool), handler_(handler), current_(first), timer_(pool.loop_.timers, *this) {
    // The handler is never called from inside Open.
    SkipDrained() ? TryServer() : timer_.Arm(io::Millis{0});
  }

 private:
  const Server& server() const { return pool_.servers_[current_]; }

  // Advances to the next server that is neither drained nor tried; returns false if there is none.
  bool SkipDrained() {
    while (left_ > 0 && server().record.drained()) Next();
    return left_ > 0;
  }
  void Next() {
    --left_;
    current_ = (current_ + 1) % pool_.size();
  }

  void TryServer() {
    tried_ = true;
    started_ = pool_.loop_.timers.Now();
    started_us_ = pool_.loop_.timers.Micros();
    timer_.Arm(pool_.backend().connect_timeout);
    addresses_.clear();
    next_address_ = 0;
    securing_ = false;
    std::visit(
        Match{[&](const HostPort& where) {
                if (!server().config.pinned.empty()) return OnResolved(server().config.pinned);
                step_ = pool_.loop_.network.Resolve(where.host, *this);
              },
              [&](const UnixPath& where) { step_ = pool_.loop_.network.Connect(where, *this); }},
        server().config.address);
  }

  void OnResolved(const std::vector<Ip>& addresses) override {
    addresses_ = addresses;
    TryAddress();
  }

  void OnResolveFailed(const Error& error) override { ServerFailed(error); }

  void TryAddress() {
    const std::uint16_t port = std::get<HostPort>(server().config.address).port;
    step_ = pool_.loop_.network.Connect(IpPort{addresses_[next_address_++], port}, *this);
  }

  void OnConnected(std::unique_ptr<io::ByteStream> stream) override {
    if (!securing_) Greet(*stream);
    if (config::IsSecure(server().config.scheme) && !securing_) {
      securing_ = true;
      const std::string& host = std::get<HostPort>(server().config.address).host;
      step_ = pool_.record_->tls->Get()->Handshake(std::move(stream), host, pool_.loop_,
                                                   pool_.scratch_, *this);
      return;
    }
    timer_.Disarm();
    server().stats.connects.Add();
    if (pool_.watcher_ != nullptr) pool_.watcher_->OnServerUp(server().record);
    server().stats.connect_us.Record(pool_.loop_.timers.Micros() - started_us_);
    handler_.OnOpened(std::move(stream), server(), started_);
  }

  void Greet(io::ByteStream& stream) {
    const std::string greeting = handler_.Greeting();
    if (!greeting.empty()) stream.Write(AsBytes(greeting));
  }

  void OnConnectFailed(const Error& error) override {
    if (!securing_ && next_address_ < addresses_.size()) return TryAddress();
    ServerFailed(error);
  }

  void OnTimer(io::Timer&) override {
    if (!tried_) {
      return handler_.OnOpenFailed({.code = Errc::kOther,
                                    .message = "an operator has drained every server",
                                    .tls_fault = TlsFault::kOther,
                                    .drained = true});
    }
    server().stats.connect_timeouts.Add();
    ServerFailed({Errc::kTimeout, "no connection within connect_timeout of the backend"});
  }

  void ServerFailed(const Error& error) {
    timer_.Disarm();
    server().stats.connect_failures.Add();
    // The gateway's own lack of resources says nothing about the server.
    if (pool_.watcher_ != nullptr && error.code != Errc::kLimit)
      pool_.watcher_->OnServerDown(server().record, error);
    if (!reasons_.empty()) reasons_ += "; ";
    reasons_ += server().config.url + ": " + error.message;
    Next();
    if (SkipDrained()) return TryServer();
    step_.reset();
    handler_.OnOpenFailed({error.code, std::move(reasons_), error.tls_fault});
  }

  Pool& pool_;
  OpenHandler& handler_;
  std::size_t current_;
  std::size_t left_ = pool_.size();  // servers to try, including `current_`
  bool tried_ = false;               // at least one server
  std::string reasons_;              // the error of each failed server
  std::vector<Ip> addresses_;
  std::size_t next_address_ = 0;
  bool securing_ = false;  // connected, TLS handshake under way
  io::Instant started_{};
  std::uint64_t started_us_ = 0;
  io::Timer timer_;
  std::unique_ptr<io::Pending> step_;
};

Pool::Pool(std::shared_ptr<const BackendRecord> backend, io::Loop loop, tls::Scratch& scratch,
           ServerWatcher* watcher, std::size_t index)
    : record_(std::move(backend)),
      loop_(loop),
      scratch_(scratch),
      watcher_(watcher),
      next_(index % record_->servers.size()) {
  for (std::size_t i = 0; i < record_->servers.size(); ++i) {
    ServerRecord& server = *record_->servers[i];
    servers_.push_back({record_->config->servers[i], server, server.row->loops[index]});
  }
}

std::unique_ptr<io::Pending> Pool::Open(OpenHandler& handler, std::size_t first) {
  return std::make_unique<Opening>(*this, handler, first);
}

std::size_t Pool::NextServer() {
  std::size_t server = next_;
  for (std::size_t i = 1; i < servers_.size() && servers_[server].record.drained(); ++i)
    server = (server + 1) % servers_.size();
  next_ = (server + 1) % servers_.size();
  return server;
}

}  // namespace upgate::backend
