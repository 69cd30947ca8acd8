#include "gateway/backend/http_pool.h"

#include <algorithm>
#include <utility>

namespace upgate::backend {

HttpPool::HttpPool(Pool& servers, io::Loop loop, SharedLimit& descriptors)
    : servers_(servers), loop_(loop), descriptors_(descriptors), sweep_(loop.timers, *this) {}

HttpPool::~HttpPool() = default;

std::unique_ptr<Lease> HttpPool::TakeIdle(std::size_t& server) {
  server = servers_.NextServer();
  const Server* wanted = &servers_.server(server);
  if (wanted->record.drained()) return nullptr;
  for (;;) {
    const auto it = std::ranges::find(idle_.rbegin(), idle_.rend(), wanted,
                                      [](const Idle& i) { return i.lease.server; });
    if (it == idle_.rend()) return nullptr;
    auto lease = std::make_unique<Lease>(std::move(it->lease));
    idle_.erase(std::next(it).base());
    lease->reused = true;
    if (!lease->connection->HasUnread()) return lease;
    Discard(std::move(lease->connection));
  }
}

Lease HttpPool::Adopt(std::unique_ptr<io::ByteStream> stream, const Server& server) {
  http::ClientConnection::Owner& owner = *this;
  return {http::ClientConnection::Start(std::move(stream), loop_, limits_, owner), &server, false};
}

void HttpPool::GiveBack(Lease lease) {
  if (!lease.connection) return;
  // One that has said whose it is belongs to that client.
  const bool personal = backend().send_proxy != config::SendProxy::kOff;
  if (personal || !lease.connection->reusable() || idle_.size() >= backend().pool_size)
    return Discard(std::move(lease.connection));
  SharedLimit::Taken descriptor = descriptors_.TryTakeOwned(1);
  if (!descriptor) return Discard(std::move(lease.connection));
  idle_.push_back({std::move(lease), loop_.timers.Now(), std::move(descriptor)});
  if (!sweep_.armed()) sweep_.Arm(backend().pool_idle);
}

void HttpPool::OnIdleConnectionLost(http::ClientConnection& connection) {
  const auto it =
      std::ranges::find(idle_, &connection, [](const Idle& i) { return i.lease.connection.get(); });
  if (it == idle_.end()) return;
  Discard(std::move(it->lease.connection));
  idle_.erase(it);
}

void HttpPool::OnTimer(io::Timer&) {
  const io::Instant now = loop_.timers.Now();
  while (!idle_.empty() && now - idle_.front().since >= backend().pool_idle) {
    Discard(std::move(idle_.front().lease.connection));
    idle_.pop_front();
  }
  if (!idle_.empty()) sweep_.Arm(backend().pool_idle - (now - idle_.front().since));
}

void HttpPool::Discard(std::unique_ptr<http::ClientConnection> connection) {
  connection->Abandon();
  loop_.turn.DeferDelete(std::move(connection));
}

}  // namespace upgate::backend
