#include "gateway/backend/balancer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

namespace upgate::backend {
namespace {

// With the client that is about to come.
std::uint64_t LoadOf(const ServerRecord& server) {
  return server.in_use.load(std::memory_order_relaxed) + 1;
}

}  // namespace

std::pair<bool, std::uint32_t> TierOf(const config::Server& server) {
  return {server.backup, server.tier};
}

Balancer::Balancer(const BackendRecord& backend, io::Entropy& entropy, std::size_t index)
    : backend_(backend), entropy_(entropy), next_(index % backend.servers.size()) {
  const config::Backend& settings = *backend.config;
  weighted_ = settings.slow_start.count() != 0;
  std::map<std::pair<bool, std::uint32_t>, std::size_t> tiers;
  for (const config::Server& server : settings.servers) tiers[TierOf(server)] = 0;
  for (auto& [key, tier] : tiers) {
    tier = shares_.size();
    shares_.emplace_back();
  }
  for (std::size_t i = 0; i < size(); ++i) {
    const config::Server& server = settings.servers[i];
    weighted_ |= server.weight != settings.servers.front().weight;
    tier_.push_back(tiers[TierOf(server)]);
    auto& shares = shares_[tier_.back()];
    shares.push_back({(shares.empty() ? 0 : shares.back().until) + server.weight, i});
  }
  if (!weighted_ || settings.balance != config::Balance::kRoundRobin) return;
  debt_.resize(size());
  const Search nobody;
  for (std::size_t i = 0; i < index % size(); ++i) {
    Call call{.search = nobody, .now = 0};
    InTurnByWeight(call);
  }
}

Balancer::Choice Balancer::Choose(const Search& search, SharedMs now) {
  Call call{.search = search, .now = now};
  if (search.wish.server && CanTake(*search.wish.server, call))
    return {.server = *search.wish.server, .due = call.due};
  std::size_t server = ByPolicy(call);
  while (server == kNoServer && ++call.tier < shares_.size()) server = ByPolicy(call);
  return {.server = server, .due = call.due};
}

bool Balancer::CanTake(std::size_t server, Call& call) const {
  const ServerRecord& record = *backend_.servers[server];
  if (record.drained() || call.search.HasTried(server)) return false;
  if (!record.health.serves()) {
    if (record.health.IsDue(call.now)) call.due = server;
    return false;
  }
  return !record.IsFull(config(server).max_sessions);
}

std::size_t Balancer::ByPolicy(Call& call) {
  switch (backend_.config->balance) {
    case config::Balance::kRoundRobin:
      break;
    case config::Balance::kLeastSessions:
      return FewestSessions(call);
    case config::Balance::kRandomTwo:
      return BetterOfTwo(call);
    case config::Balance::kHash:
      if (call.search.wish.key) return ByHash(call);
      break;
  }
  return debt_.empty() ? InTurn(call) : InTurnByWeight(call);
}

// A second choice of the same client takes nobody's turn.
std::size_t Balancer::InTurn(Call& call) {
  std::size_t next = next_;
  for (std::size_t i = 0; i < size(); ++i) {
    const std::size_t server = next;
    next = server + 1 < size() ? server + 1 : 0;
    if (!Fits(server, call)) continue;
    if (call.search.tries == 0) next_ = next;
    return server;
  }
  return kNoServer;
}

// Every server is owed its weight for each turn; the one that is owed most has it, and owes the
// sum.
std::size_t Balancer::InTurnByWeight(Call& call) {
  std::size_t best = kNoServer;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!Fits(i, call)) continue;
    if (call.search.tries == 0) {
      const auto weight = static_cast<std::int64_t>(Weight(i, call.now));
      debt_[i] += weight;
      sum += weight;
    }
    if (best == kNoServer || debt_[i] > debt_[best]) best = i;
  }
  if (best != kNoServer) debt_[best] -= sum;
  return best;
}

// Fewer in use for its weight, the new one included.
bool Balancer::IsLighter(std::size_t a, std::size_t b, SharedMs now) const {
  return LoadOf(*backend_.servers[a]) * Weight(b, now) <
         LoadOf(*backend_.servers[b]) * Weight(a, now);
}

std::size_t Balancer::FewestSessions(Call& call) {
  // Those that are equal take turns.
  std::size_t server = next_;
  next_ = next_ + 1 < size() ? next_ + 1 : 0;
  std::size_t best = kNoServer;
  std::uint64_t best_load = 0;
  std::uint64_t best_weight = 0;
  for (std::size_t i = 0; i < size(); ++i, server = server + 1 < size() ? server + 1 : 0) {
    if (!Fits(server, call)) continue;
    const std::uint64_t load = LoadOf(*backend_.servers[server]);
    const std::uint64_t weight = Weight(server, call.now);
    if (best != kNoServer && load * best_weight >= best_load * weight) continue;
    best = server;
    best_load = load;
    best_weight = weight;
  }
  return best;
}

std::size_t Balancer::BetterOfTwo(Call& call) {
  // Where most servers cannot take the client, looking at each is quicker than guessing.
  constexpr int kDraws = 8;
  std::size_t first = kNoServer;
  for (int i = 0; i < kDraws; ++i) {
    const std::size_t server = Draw(call.tier);
    if (server == first || !Fits(server, call)) continue;
    if (first == kNoServer) {
      first = server;
    } else {
      return IsLighter(server, first, call.now) ? server : first;
    }
  }
  return first != kNoServer ? first : FewestSessions(call);
}

std::size_t Balancer::ByHash(Call& call) {
  const HashRing& ring = *backend_.ring;
  // Of a place on the ring nothing more is to be had from the next ones of the same server.
  std::size_t place = ring.Find(*call.search.wish.key);
  for (std::size_t i = 0; i < ring.size(); ++i, place = ring.Next(place)) {
    if (Fits(ring.ServerAt(place), call)) return ring.ServerAt(place);
    // Before going all around for nothing.
    if (i == 2 * size()) {
      bool any = false;
      for (std::size_t server = 0; server < size() && !any; ++server) any = Fits(server, call);
      if (!any) return kNoServer;
    }
  }
  return kNoServer;
}

std::size_t Balancer::Draw(std::size_t tier) {
  const auto& shares = shares_[tier];
  const std::uint64_t at = Random() % shares.back().until;
  return std::ranges::upper_bound(shares, at, {}, &Share::until)->server;
}

// xorshift64*: nobody gains by knowing which server comes next.
std::uint64_t Balancer::Random() {
  if (random_ == 0) {
    std::array<std::byte, sizeof random_> bytes;
    entropy_.Fill(bytes);
    std::memcpy(&random_, bytes.data(), sizeof random_);
    random_ |= 1;
  }
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return (random_ * 0x2545f4914f6cdd1dULL) >> 16;
}

}  // namespace upgate::backend
