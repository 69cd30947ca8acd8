#include "gateway/stats/stats.h"

#include <chrono>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "gateway/stats/sum.h"

namespace upgate::stats {
namespace {

std::int64_t UnixSeconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

template <class Numbers>
std::string KeyOf(const Row<Numbers>& row) {
  return row.name;
}

// No URL has a line end, so that the last one is where the backend's name ends.
std::string ServerKey(std::string_view backend, std::string_view url) {
  return fmt::format("{}\n{}", backend, url);
}
std::string KeyOf(const ServerRow& row) {
  return ServerKey(row.backend, row.name);
}

template <class AnyRow>
std::vector<std::string> KeysOf(const std::vector<std::shared_ptr<AnyRow>>& rows) {
  std::vector<std::string> keys;
  for (const auto& row : rows) keys.push_back(KeyOf(*row));
  return keys;
}

}  // namespace

std::string UniqueName(std::string_view name, const std::function<bool(std::string_view)>& taken) {
  std::string candidate(name);
  for (int n = 2; taken(candidate); ++n) candidate = fmt::format("{} #{}", name, n);
  return candidate;
}

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

Registry::Registry(Build build, std::size_t loops)
    : build_(std::move(build)),
      loops_(loops),
      watches_(loops),
      started_unix_seconds_(UnixSeconds()) {}

std::shared_ptr<ListenerRow> Registry::Listener(std::string_view name) {
  const std::lock_guard lock(rows_mutex_);
  const std::string key(name);
  return listeners_.FindOrAdd(key,
                              [&] { return std::make_shared<ListenerRow>(key, loops_.size()); });
}

std::shared_ptr<RouteRow> Registry::Route(std::string_view name) {
  const std::lock_guard lock(rows_mutex_);
  const std::string key(name);
  return routes_.FindOrAdd(key, [&] { return std::make_shared<RouteRow>(key, loops_.size()); });
}

std::shared_ptr<ServerRow> Registry::Server(std::string_view backend, std::string_view url) {
  const std::lock_guard lock(rows_mutex_);
  return servers_.FindOrAdd(ServerKey(backend, url), [&] {
    return std::make_shared<ServerRow>(std::string(backend), std::string(url), loops_.size());
  });
}

void Registry::SetOrder(const Order& order) {
  const std::lock_guard lock(rows_mutex_);
  listeners_.SetOrder(KeysOf(order.listeners));
  routes_.SetOrder(KeysOf(order.routes));
  servers_.SetOrder(KeysOf(order.servers));
  listeners_.ForgetUnheld();
  routes_.ForgetUnheld();
  servers_.ForgetUnheld();
}

Registry::Order Registry::Rows() const {
  const std::lock_guard lock(rows_mutex_);
  listeners_.ForgetUnheld();
  routes_.ForgetUnheld();
  servers_.ForgetUnheld();
  return {listeners_.InOrder(), routes_.InOrder(), servers_.InOrder()};
}

void Registry::SetGeneration(std::uint64_t number) {
  reloads_.loaded_unix_seconds = UnixSeconds();
  reloads_.generation = number;
}

void Registry::CountReload(bool ok) {
  ++(ok ? reloads_.ok : reloads_.failed);
}

void Registry::SetCertificates(std::vector<Certificate> certificates) {
  std::set<std::tuple<Certificate::Owner, std::string, std::string>> seen;
  std::erase_if(certificates, [&](const Certificate& c) {
    return !seen.emplace(c.owner, c.name, c.file).second;
  });
  const std::lock_guard lock(certificates_mutex_);
  certificates_ = std::move(certificates);
}

std::vector<Certificate> Registry::Certificates() const {
  const std::lock_guard lock(certificates_mutex_);
  return certificates_;
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
  const Order rows = Rows();
  Open open;
  for (const auto& listener : rows.listeners) {
    for (const ListenerStats& loop : listener->loops)
      open.connections += loop.connections_open.Get();
  }
  for (const auto& route : rows.routes) {
    std::uint64_t sessions = 0;
    for (const RouteStats& loop : route->loops) sessions += loop.sessions_open.Get();
    if (sessions == 0) continue;
    open.sessions += sessions;
    open.routes.emplace_back(route->name, sessions);
  }
  return open;
}

std::unique_ptr<LoopStats> Registry::Total() const {
  auto total = std::make_unique<LoopStats>();
  for (const LoopStats& loop : loops_) AddTo(*total, loop);
  return total;
}

}  // namespace upgate::stats
