#include "gateway/backend/pool.h"

#include <algorithm>
#include <utility>

#include "gateway/backend/opening.h"
#include "gateway/backend/trial.h"

namespace upgate::backend {

stats::HandshakeOutcome OutcomeOf(const OpenError& error) {
  using stats::HandshakeOutcome;
  switch (error.lack) {
    case Lack::kDrained:
      return HandshakeOutcome::kDrained;
    case Lack::kOut:
      return HandshakeOutcome::kServersOut;
    case Lack::kFull:
      return HandshakeOutcome::kServersFull;
    case Lack::kNone:
      break;
  }
  if (error.code == Errc::kTimeout) return HandshakeOutcome::kBackendTimeout;
  if (error.code == Errc::kLimit) return HandshakeOutcome::kNoResources;
  return HandshakeOutcome::kBackendFailed;
}

Pool::Pool(std::shared_ptr<const BackendRecord> backend, io::Loop loop, tls::Scratch& scratch,
           ServerWatcher* watcher, std::size_t index)
    : record_(std::move(backend)),
      loop_(loop),
      scratch_(scratch),
      watcher_(watcher),
      shared_clock_(static_cast<SharedMs>(loop.timers.Micros() / 1000) -
                    loop.timers.Now().time_since_epoch().count()),
      balancer_(*record_, loop.entropy, index) {
  using config::Balance;
  const config::Backend& settings = *record_->config;
  counts_requests_ =
      settings.balance == Balance::kLeastSessions || settings.balance == Balance::kRandomTwo;
  for (std::size_t i = 0; i < record_->servers.size(); ++i) {
    ServerRecord& server = *record_->servers[i];
    counts_requests_ |= settings.servers[i].max_sessions != 0;
    servers_.push_back({settings.servers[i], server, server.row->loops[index], i});
  }
}

Pool::~Pool() = default;

std::unique_ptr<io::Pending> Pool::Open(OpenHandler& handler, Search& search,
                                        std::expected<Choice, Lack> first) {
  return std::make_unique<Opening>(*this, handler, search, std::move(first));
}

// ---- choosing

std::expected<Pool::Choice, Lack> Pool::Choose(const Search& search) {
  const SharedMs now = Now();
  // Other loops may take the last place of the server that was chosen: then it is full.
  for (std::size_t i = 0; i <= size(); ++i) {
    const Balancer::Choice choice = balancer_.Choose(search, now);
    if (choice.server == kNoServer) break;
    if (choice.due != kNoServer) StartTrial(choice.due);
    ServerUse use = Use(choice.server, search);
    if (use || !(search.for_session || counts_requests_))
      return Choice{choice.server, std::move(use)};
  }
  return Lacking(search, now);
}

std::expected<Pool::Choice, Lack> Pool::ChooseAgain(const Server& server, const Search& search) {
  if (server.record.drained()) return std::unexpected(Lack::kDrained);
  if (!server.record.health.serves() || search.HasTried(server.index))
    return std::unexpected(Lack::kOut);
  ServerUse use = Use(server.index, search);
  if (!use && (search.for_session || counts_requests_)) return std::unexpected(Lack::kFull);
  return Choice{server.index, std::move(use)};
}

ServerUse Pool::Use(std::size_t server, const Search& search) const {
  if (!search.for_session && !counts_requests_) return {};
  return ServerUse::TryTake(servers_[server].record, servers_[server].config.max_sessions);
}

// Where no other server can be had, the client itself tries one that is due.
std::expected<Pool::Choice, Lack> Pool::Lacking(const Search& search, SharedMs now) {
  bool any_in_service = false;
  bool any_full = false;
  for (std::size_t i = 0; i < size(); ++i) {
    ServerRecord& server = servers_[i].record;
    if (server.drained()) continue;
    any_in_service = true;
    if (server.health.serves()) {
      any_full = true;
      continue;
    }
    if (server.health.down() || search.HasTried(i)) continue;
    if (server.health.TakeTrial(now, TrialPatience()))
      return Choice{i, ServerUse::TryTake(server, 0)};
  }
  return std::unexpected(!any_in_service ? Lack::kDrained : any_full ? Lack::kFull : Lack::kOut);
}

// ---- what becomes of them

void Pool::OnAnswered(const Server& server) {
  NoteSuccess(server);
}

void Pool::OnBroken(const Server& server, std::string_view why) {
  NoteFailure(server, why);
}

void Pool::NoteSuccess(const Server& server, bool on_trust) {
  const auto& ejection = backend().ejection;
  const std::uint32_t failures = on_trust && ejection ? ejection->failures - 1 : 0;
  if (!server.record.health.OnSuccess(Now(), failures)) return;
  server.record.row->ejected.store(false, std::memory_order_relaxed);
  if (watcher_ != nullptr) watcher_->OnServerBack(server.record);
}

void Pool::NoteFailure(const Server& server, std::string_view why) {
  const auto& ejection = backend().ejection;
  if (!ejection) return;
  ServerHealth& health = server.record.health;
  const SharedMs now = Now();
  if (health.ejected()) {
    if (const auto time = health.FailTrial(now, ejection->time); time && watcher_ != nullptr)
      watcher_->OnServerEjected(server.record, *time, why);
    return;
  }
  if (health.CountFailure() < ejection->failures) return;
  const std::lock_guard lock(record_->ejecting);
  const auto ejected = std::ranges::count_if(
      record_->servers, [](const auto& other) { return other->health.ejected(); });
  if (static_cast<std::size_t>(ejected + 1) * 100 > std::size_t{ejection->most} * size()) return;
  const auto time = health.Eject(now, ejection->time);
  if (!time) return;
  server.record.row->ejected.store(true, std::memory_order_relaxed);
  if (watcher_ != nullptr) watcher_->OnServerEjected(server.record, *time, why);
}

// When the first server is tried again; where none is ejected, nobody knows.
std::chrono::seconds Pool::RetryAfter(Lack lack) const {
  constexpr std::chrono::seconds kUsual{5}, kLeast{1};
  constexpr auto kMost = std::chrono::duration_cast<std::chrono::seconds>(config::kLongestEjection);
  if (lack != Lack::kOut) return kUsual;
  std::optional<SharedMs> first;
  for (const Server& server : servers_) {
    const ServerHealth& health = server.record.health;
    if (server.record.drained() || health.down() || !health.ejected()) continue;
    first = std::min(first.value_or(health.out_until()), health.out_until());
  }
  if (!first) return kUsual;
  return std::clamp(std::chrono::ceil<std::chrono::seconds>(io::Millis(*first - Now())), kLeast,
                    kMost);
}

// A little longer than the attempt may take.
io::Millis Pool::TrialPatience() const {
  return backend().connect_timeout + io::Millis{1000};
}

void Pool::StartTrial(std::size_t server) {
  if (trials_.contains(server) || !servers_[server].record.health.TakeTrial(Now(), TrialPatience()))
    return;
  trials_.emplace(server, std::make_unique<Trial>(*this, servers_[server]));
}

}  // namespace upgate::backend
