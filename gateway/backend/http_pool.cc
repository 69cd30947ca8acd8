#include "gateway/backend/http_pool.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/base/text.h"

namespace upgate::backend {

namespace {

// Servers that close idle connections seldom do so within this time.
constexpr io::Millis kFresh{2'000};
// What is on its way when the server's time is over would be lost.
constexpr std::int64_t kMargin = 1;

}  // namespace

HttpPool::HttpPool(Pool& servers, io::Loop loop, SharedLimit& descriptors)
    : servers_(servers), loop_(loop), descriptors_(descriptors), sweep_(loop.timers, *this) {}

HttpPool::~HttpPool() = default;

std::optional<Lease> HttpPool::TakeIdle(Pool::Choice& choice, bool repeatable) {
  const Server* wanted = &servers_.server(choice.server);
  const io::Instant now = loop_.timers.Now();
  for (;;) {
    const auto it = std::ranges::find(idle_.rbegin(), idle_.rend(), wanted,
                                      [](const Idle& i) { return i.lease.server; });
    // All others have been idle for longer.
    if (it == idle_.rend() || (!repeatable && now - it->since >= kFresh)) return {};
    const bool stale = now >= it->until;
    Lease lease = std::move(it->lease);
    idle_.erase(std::next(it).base());
    lease.reused = true;
    if (!stale && !lease.connection->HasUnread()) {
      lease.use = std::move(choice.use);
      return lease;
    }
    Discard(std::move(lease.connection));
  }
}

Lease HttpPool::Adopt(Opened opened) {
  http::ClientConnection::Owner& owner = *this;
  return {http::ClientConnection::Start(std::move(opened.stream), loop_, limits_, owner),
          &opened.server, false, std::move(opened.use)};
}

void HttpPool::Heed(Lease& lease, const http::Headers& answer) {
  const std::string* field = answer.Find("keep-alive");
  if (field == nullptr) return;
  constexpr std::string_view kTimeout = "timeout=";
  std::string_view list = *field;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    if (!EqualsIgnoreCase(item.substr(0, kTimeout.size()), kTimeout)) continue;
    const std::string_view number = item.substr(kTimeout.size());
    std::uint32_t seconds = 0;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), seconds);
    if (error != std::errc{} || end != number.data() + number.size()) continue;
    lease.idle_most = std::chrono::seconds(std::int64_t{seconds} - kMargin);
  }
}

void HttpPool::GiveBack(Lease lease) {
  if (!lease.connection) return;
  lease.use = {};
  // One that has said whose it is belongs to that client.
  const bool personal = backend().send_proxy != config::SendProxy::kOff;
  if (personal || !lease.connection->reusable() || idle_.size() >= backend().pool_size)
    return Discard(std::move(lease.connection));
  const io::Instant now = loop_.timers.Now();
  const io::Millis most = std::min(backend().pool_idle, lease.idle_most);
  if (most.count() <= 0) return Discard(std::move(lease.connection));
  SharedLimit::Taken descriptor = descriptors_.TryTakeOwned(1);
  if (!descriptor) return Discard(std::move(lease.connection));
  idle_.push_back({std::move(lease), now, now + most, std::move(descriptor)});
  SweepAt(now + most);
}

std::optional<HttpPool::Reserved> HttpPool::Reserve(Lease lease) {
  if (!lease.connection) return {};
  lease.use = {};
  SharedLimit::Taken descriptor = descriptors_.TryTakeOwned(1);
  if (!descriptor || !lease.connection->reusable()) {
    Discard(std::move(lease.connection));
    return {};
  }
  const io::Instant now = loop_.timers.Now();
  const io::Instant until =
      lease.idle_most == io::Millis::max() ? io::Instant::max() : now + lease.idle_most;
  const std::uint64_t id = ++next_reserved_;
  reserved_.emplace(id, Idle{std::move(lease), now, until, std::move(descriptor)});
  return Reserved(*this, id);
}

std::optional<Lease> HttpPool::TakeReserved(Reserved reserved, const Search& search) {
  auto node = reserved_.extract(std::exchange(reserved.id_, 0));
  if (!node) return {};
  Idle idle = std::move(node.mapped());
  auto place = servers_.ChooseAgain(*idle.lease.server, search);
  if (!place || loop_.timers.Now() >= idle.until || idle.lease.connection->HasUnread()) {
    Discard(std::move(idle.lease.connection));
    return {};
  }
  idle.lease.reused = true;
  idle.lease.use = std::move(place->use);
  return std::move(idle.lease);
}

void HttpPool::CloseReserved(std::uint64_t id) {
  auto node = reserved_.extract(id);
  if (node) Discard(std::move(node.mapped().lease.connection));
}

void HttpPool::OnIdleConnectionClosed(http::ClientConnection& connection) {
  const auto kept = std::ranges::find(reserved_, &connection, [](const auto& entry) {
    return entry.second.lease.connection.get();
  });
  if (kept != reserved_.end()) {
    Discard(std::move(kept->second.lease.connection));
    reserved_.erase(kept);
    return;
  }
  const auto it =
      std::ranges::find(idle_, &connection, [](const Idle& i) { return i.lease.connection.get(); });
  if (it == idle_.end()) return;
  Discard(std::move(it->lease.connection));
  idle_.erase(it);
}

void HttpPool::SweepAt(io::Instant at) {
  if (sweep_.armed() && sweep_at_ <= at) return;
  sweep_at_ = at;
  sweep_.Arm(at - loop_.timers.Now());
}

void HttpPool::OnTimer(io::Timer&) {
  const io::Instant now = loop_.timers.Now();
  std::erase_if(idle_, [&](Idle& idle) {
    if (idle.until > now) return false;
    Discard(std::move(idle.lease.connection));
    return true;
  });
  if (idle_.empty()) return;
  SweepAt(std::ranges::min_element(idle_, {}, &Idle::until)->until);
}

void HttpPool::Discard(std::unique_ptr<http::ClientConnection> connection) {
  connection->Abort();
  loop_.turn.DeferDelete(std::move(connection));
}

}  // namespace upgate::backend
