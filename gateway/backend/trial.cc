#include "gateway/backend/trial.h"

#include <algorithm>
#include <utility>

#include "gateway/backend/own_request.h"
#include "gateway/ws/server_answer.h"

namespace upgate::backend {
namespace {

constexpr http::ClientLimits kAnswerLimits{};

// The one of health checks is known to be there.
std::string_view TargetOf(const config::Backend& backend) {
  const bool known = backend.health && backend.health->kind == config::HealthCheck::Kind::kWs;
  return known ? std::string_view(backend.health->path) : "/";
}

}  // namespace

Pool::Trial::Trial(Pool& pool, const Server& server)
    : pool_(pool),
      server_(server),
      connecting_(pool.loop_, pool.scratch_, *this),
      timer_(pool.loop_.timers, *this) {
  timer_.Arm(pool.backend().connect_timeout);
  connecting_.Start(server.config, pool.record_->tls_context(),
                    {pool.backend().connect_timeout, kConnectTimeout});
}

Pool::Trial::~Trial() {
  if (!over_) server_.record.health.ReturnTrial(pool_.Now());
  if (connection_) connection_->Abort();
}

void Pool::Trial::OnServerConnected(std::unique_ptr<io::ByteStream> stream) {
  server_.stats.connects.Add();
  if (pool_.watcher_ != nullptr) pool_.watcher_->OnServerUp(server_.record);
  if (pool_.backend().relay == config::Relay::kFrames) return SendHandshake(std::move(stream));
  pool_.loop_.turn.DeferDelete(std::move(stream));
  Succeed();
}

void Pool::Trial::OnServerFailed(const Error& error) {
  server_.stats.connect_failures.Add();
  if (error.code == Errc::kTimeout) server_.stats.connect_timeouts.Add();
  Fail(error);
}

void Pool::Trial::SendHandshake(std::unique_ptr<io::ByteStream> stream) {
  http::ClientConnection::Owner& owner = *this;
  connection_ = http::ClientConnection::Start(std::move(stream), pool_.loop_, kAnswerLimits, owner);
  const std::string authority = AuthorityOf(server_.config);
  const http::Headers none;
  connection_->Send(MakeHandshake({.authority = authority,
                                   .target = TargetOf(pool_.backend()),
                                   .user_agent = {},
                                   .headers = none},
                                  offer_, pool_.loop_.entropy),
                    *this);
}

void Pool::Trial::OnUpgraded(const http::Response& head, http::Upgraded upgraded) {
  pool_.loop_.turn.DeferDelete(std::move(upgraded.stream));
  if (const auto fault = ws::FaultOf(head, offer_, "")) return Fail({Errc::kProtocol, *fault});
  Succeed();
}

void Pool::Trial::OnFailed(const Error& error, bool) {
  Fail(error);
}

void Pool::Trial::OnTimer(io::Timer&) {
  // Where there is no connection yet, `connecting_` says so.
  if (connection_) Fail({Errc::kTimeout, "no response to the handshake"});
}

void Pool::Trial::Succeed() {
  pool_.NoteSuccess(server_, pool_.backend().relay == config::Relay::kFrames);
  Finish();
}

void Pool::Trial::Fail(const Error& error) {
  // The gateway's own lack of resources says nothing about the server.
  if (error.code == Errc::kLimit) {
    server_.record.health.ReturnTrial(pool_.Now());
  } else {
    pool_.NoteFailure(server_, error.message);
  }
  Finish();
}

void Pool::Trial::Finish() {
  over_ = true;
  timer_.Disarm();
  if (connection_) {
    connection_->Abort();
    pool_.loop_.turn.DeferDelete(std::move(connection_));
  }
  auto self = pool_.trials_.extract(server_.index);
  pool_.loop_.turn.DeferDelete(std::move(self.mapped()));
}

}  // namespace upgate::backend
