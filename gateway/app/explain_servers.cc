#include "gateway/app/explain_servers.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace upgate::app {
namespace {

using backend::BackendRecord;
using config::Balance;
// Any time will do: nothing here is due.
constexpr backend::SharedMs kNow = 1;

// A policy that draws lots is described and not asked, so no value matters.
class NoEntropy final : public io::Entropy {
 public:
  void Fill(MutableBytes out) override { std::ranges::fill(out, std::byte{1}); }
};

std::uint64_t SessionsOf(const BackendRecord& backend, std::size_t server) {
  return backend.servers[server]->in_use.load(std::memory_order_relaxed);
}

bool IsFull(const BackendRecord& backend, std::size_t server) {
  return backend.servers[server]->IsFull(backend.config->servers[server].max_sessions);
}

bool IsEligible(const BackendRecord& backend, std::size_t server) {
  const backend::ServerRecord& record = *backend.servers[server];
  return !record.drained() && record.health.serves() && !IsFull(backend, server);
}

// The eligible ones of the first tier that has any.
std::vector<std::size_t> Candidates(const BackendRecord& backend) {
  std::vector<std::size_t> eligible;
  for (std::size_t i = 0; i < backend.servers.size(); ++i) {
    if (IsEligible(backend, i)) eligible.push_back(i);
  }
  const auto tier = [&](std::size_t i) { return backend::TierOf(backend.config->servers[i]); };
  if (eligible.empty()) return eligible;
  const auto first = tier(*std::ranges::min_element(eligible, {}, tier));
  std::erase_if(eligible, [&](std::size_t i) { return tier(i) != first; });
  return eligible;
}

const std::string& UrlOf(const BackendRecord& backend, std::size_t server) {
  return backend.servers[server]->url;
}

void TellNobody(Lines& out, const BackendRecord& backend) {
  const auto all = [&](auto&& is) {
    for (std::size_t i = 0; i < backend.servers.size(); ++i) {
      if (!is(i)) return false;
    }
    return true;
  };
  const bool drained = all([&](std::size_t i) { return backend.servers[i]->drained(); });
  out.Add("  server", "none: 503, every server is {}",
          drained ? "drained" : "down, ejected, drained or full");
}

void TellHashed(Lines& out, const BackendRecord& backend, std::size_t server, std::uint64_t key) {
  const backend::HashRing& ring = *backend.ring;
  const std::size_t own = ring.ServerAt(ring.Find(key));
  if (own == server) {
    return out.Add("  server", "{}, by {}", UrlOf(backend, server),
                   config::ToString(backend.config->hash));
  }
  out.Add("  server", "{}, the next by {}: {} {}", UrlOf(backend, server),
          config::ToString(backend.config->hash), UrlOf(backend, own),
          IsEligible(backend, own) ? "is a backup" : "cannot take clients");
}

void TellFewest(Lines& out, const BackendRecord& backend,
                const std::vector<std::size_t>& candidates, std::size_t server) {
  const auto load = [&](std::size_t i) {
    return static_cast<double>(SessionsOf(backend, i) + 1) / backend.config->servers[i].weight;
  };
  const auto equal =
      std::ranges::count_if(candidates, [&](std::size_t i) { return load(i) == load(server); });
  if (equal > 1)
    return out.Add("  server", "one of the {} with the fewest sessions for their weight, in turn",
                   equal);
  out.Add("  server", "{}: the fewest sessions for its weight", UrlOf(backend, server));
}

}  // namespace

backend::ServersOfNames NamesIn(const Json& stats, const config::Config& config) {
  backend::ServersOfNames names;
  for (const Json& row : stats.at("servers")) {
    const auto backend = config.backends.find(row.at("backend").get<std::string>());
    if (backend == config.backends.end()) continue;
    const auto& servers = backend->second.servers;
    const std::string url = row.at("url").get<std::string>();
    if (std::ranges::find(servers, url, &config::Server::url) != servers.end()) continue;
    // Of several names, which one is not told.
    const auto named = std::ranges::find_if(
        servers, [](const auto& s) { return s.resolve != config::Server::Resolve::kAny; });
    if (named == servers.end()) continue;
    config::Server member = *named;
    member.resolve = config::Server::Resolve::kAny;
    member.origin = named->url;
    member.url = url;
    member.weight = row.at("weight").get<std::uint32_t>();
    names[{backend->first, named->url}].push_back(std::move(member));
  }
  return names;
}

std::size_t TakeStates(const Json& stats, const upgrade::Generation& generation) {
  std::size_t known = 0;
  for (const Json& row : stats.at("servers")) {
    const auto backend = generation.backends.find(row.at("backend").get<std::string>());
    if (backend == generation.backends.end()) continue;
    const auto server =
        std::ranges::find(backend->second->servers, row.at("url").get<std::string>(),
                          [](const auto& s) { return s->url; });
    if (server == backend->second->servers.end()) continue;
    ++known;
    backend::ServerRecord& record = **server;
    record.in_use = row.at("sessions_open").get<std::uint64_t>();
    record.row->drained = row.at("drained").get<bool>();
    record.health.SetDown(!row.at("up").get<bool>(), kNow);
    if (row.at("ejected").get<bool>()) record.health.Eject(kNow, std::chrono::hours(1));
  }
  return known;
}

std::string StateOf(const BackendRecord& backend, std::size_t server) {
  const backend::ServerRecord& record = *backend.servers[server];
  std::string state;
  if (record.drained()) state += ", drained";
  if (record.health.down()) state += ", down";
  if (record.health.ejected()) state += ", ejected";
  if (IsFull(backend, server)) state += ", full";
  if (const std::uint64_t sessions = SessionsOf(backend, server); sessions != 0)
    state += fmt::format(", {} session{}", sessions, sessions == 1 ? "" : "s");
  return state;
}

void TellChoice(Lines& out, const BackendRecord& backend, const backend::Wish& wish) {
  const std::vector<std::size_t> candidates = Candidates(backend);
  if (candidates.empty()) return TellNobody(out, backend);
  if (wish.server && IsEligible(backend, *wish.server))
    return out.Add("  server", "{}, by its cookie", UrlOf(backend, *wish.server));
  if (candidates.size() == 1 && !wish.key)
    return out.Add(
        "  server", "{}: {}", UrlOf(backend, candidates.front()),
        backend.servers.size() == 1 ? "the only one" : "the only one that can take clients");
  const Balance balance = backend.config->balance;
  if (balance == Balance::kRandomTwo)
    return out.Add("  server", "the better of two that are drawn out of {}", candidates.size());
  if (balance == Balance::kRoundRobin || (balance == Balance::kHash && !wish.key))
    return out.Add("  server", "in turn, one of the {} that can take clients", candidates.size());
  NoEntropy entropy;
  backend::Balancer balancer(backend, entropy, 0);
  backend::Search search;
  search.wish = wish;
  const std::size_t server = balancer.Choose(search, kNow).server;
  if (balance == Balance::kHash) return TellHashed(out, backend, server, *wish.key);
  TellFewest(out, backend, candidates, server);
}

}  // namespace upgate::app
