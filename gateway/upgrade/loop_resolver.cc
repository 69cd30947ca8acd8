#include "gateway/upgrade/loop_resolver.h"

#include <algorithm>

namespace upgate::upgrade {
namespace {

// Per route and loop.
constexpr std::size_t kMostAnswers = 10'000;
constexpr std::size_t kMostKept = 128;
constexpr io::Millis kLongestFresh = std::chrono::hours(1);

// A backend of one server that an answer led to, which owns its configuration.
struct TargetRecord : backend::BackendRecord {
  config::Backend own;
};

}  // namespace

LoopResolver::LoopResolver(std::shared_ptr<const ResolverRecord> record, std::string route,
                           Place place)
    : record_(std::move(record)),
      route_(std::move(route)),
      place_(std::move(place)),
      alive_(std::make_shared<const bool>(true)),
      instance_(record_->plugin->Start(*this)) {}

LoopResolver::~LoopResolver() = default;

void LoopResolver::Post(Task task) {
  place_.post([alive = std::weak_ptr(alive_), run = std::move(task)]() mutable {
    if (!alive.expired()) run();
  });
}

std::optional<std::string> LoopResolver::FindAnswer(const std::string& key) {
  const auto it = answers_.find(key);
  if (it == answers_.end()) return {};
  if (it->second.until > place_.loop.timers.Now()) return it->second.target;
  answers_.erase(it);
  return {};
}

void LoopResolver::KeepAnswer(const std::string& key, const plugin::ResolverAnswer& answer) {
  const io::Millis fresh = std::min(answer.fresh.value_or(config().cache), kLongestFresh);
  if (fresh.count() <= 0) return;
  const io::Instant now = place_.loop.timers.Now();
  if (answers_.size() >= kMostAnswers && !answers_.contains(key)) {
    std::erase_if(answers_, [now](const auto& entry) { return entry.second.until <= now; });
    // Whoever asks for that many keys gets no cache to speak of.
    if (answers_.size() >= kMostAnswers) answers_.clear();
  }
  answers_.insert_or_assign(key, Answer{answer.target, now + fresh});
}

Ref<LoopBackend> LoopResolver::BackendFor(const std::string& url, const std::string& shown,
                                          const config::ServerUrl& server,
                                          const std::vector<Ip>& addresses) {
  std::string key = url;
  for (const Ip& ip : addresses) key += ' ' + ip.ToString();
  const auto known = std::ranges::find(kept_, key, [](const auto& entry) { return entry.first; });
  if (known != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, known);
    return kept_.front().second;
  }
  auto record = std::make_shared<TargetRecord>();
  record->owner = record_->owner;
  record->own = config().backend;
  record->own.relay = config::RelayOf(server.scheme);
  record->own.ejection.reset();  // there is no other server
  record->own.servers.push_back({.scheme = server.scheme,
                                 .address = server.address,
                                 .pinned = addresses,
                                 .url = shown,
                                 .index = 0,
                                 .mark = {}});
  record->config = &record->own;
  record->tls = record_->tls;
  record->servers.push_back(
      std::make_shared<backend::ServerRecord>(record->own.name, shown, record_->row));
  auto made = MakeRef<LoopBackend>(std::move(record), place_.loop, place_.scratch, unwatched_,
                                   place_.idle_servers, place_.index);
  const bool keeps = made->http() != nullptr &&
                     config().backend.send_proxy == config::SendProxy::kOff &&
                     config().backend.pool_size > 0;
  if (!keeps) return made;
  kept_.emplace_front(std::move(key), made);
  if (kept_.size() > kMostKept) kept_.pop_back();
  return made;
}

}  // namespace upgate::upgrade
