#include "gateway/stats/stats.h"

#include <chrono>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "gateway/stats/sum.h"

namespace upgate::stats {
namespace {

// Appends the first number that makes `name` unique.
void MakeUnique(std::string& name, std::set<std::string>& taken, const std::string& prefix = {}) {
  std::string candidate = name;
  for (int n = 2; !taken.insert(prefix + candidate).second; ++n) {
    candidate = fmt::format("{} #{}", name, n);
  }
  name = std::move(candidate);
}

Names WithoutRepeats(Names names) {
  std::set<std::string> listeners;
  for (std::string& name : names.listeners) MakeUnique(name, listeners);
  std::set<std::string> routes;
  for (std::string& name : names.routes) MakeUnique(name, routes);
  std::set<std::string> servers;
  for (Names::Server& server : names.servers)
    MakeUnique(server.url, servers, server.backend + "\n");
  return names;
}

}  // namespace

void CloseCodes::Count(std::uint16_t code) {
  if (code >= 1000 && code < 1000 + standard.size()) {
    standard[code - 1000].Add();
  } else if (code >= 3000 && code <= 3999) {
    library.Add();
  } else if (code >= 4000 && code <= 4999) {
    application.Add();
  }
}

void ListenerStats::CountResponse(int status) {
  switch (status / 100) {
    case 1:
      responses_1xx.Add();
      break;
    case 2:
      responses_2xx.Add();
      break;
    case 3:
      responses_3xx.Add();
      break;
    case 4:
      responses_4xx.Add();
      break;
    case 5:
      responses_5xx.Add();
      break;
    default:
      break;
  }
}

Registry::Registry(Names names, std::size_t loops)
    : names_(WithoutRepeats(std::move(names))),
      watches_(loops),
      started_unix_seconds_(std::chrono::duration_cast<std::chrono::seconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count()) {
  for (std::size_t i = 0; i < loops; ++i) {
    loops_.push_back(std::make_unique<LoopStats>(names_.listeners.size(), names_.routes.size(),
                                                 names_.servers.size()));
  }
}

void Registry::WatchLoop(std::size_t index, std::function<LoopTimes()> read) {
  watches_[index] = std::move(read);
}

void Registry::WatchLog(std::function<std::uint64_t()> read) {
  log_lines_lost_ = std::move(read);
}

std::vector<LoopTimes> Registry::ReadTimes() const {
  std::vector<LoopTimes> times;
  for (const auto& read : watches_) times.push_back(read ? read() : LoopTimes{});
  return times;
}

Registry::Open Registry::OpenNow() const {
  const auto total = Total();
  Open open;
  for (const ListenerStats& listener : total->listener)
    open.connections += listener.connections_open.Get();
  for (std::size_t i = 0; i < total->route.size(); ++i) {
    const std::uint64_t sessions = total->route[i].sessions_open.Get();
    if (sessions == 0) continue;
    open.sessions += sessions;
    open.routes.emplace_back(names_.routes[i], sessions);
  }
  return open;
}

std::unique_ptr<LoopStats> Registry::Total() const {
  auto total = std::make_unique<LoopStats>(names_.listeners.size(), names_.routes.size(),
                                           names_.servers.size());
  for (const auto& loop : loops_) AddTo(*total, *loop);
  return total;
}

}  // namespace upgate::stats
