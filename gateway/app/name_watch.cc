#include "gateway/app/name_watch.h"

#include <algorithm>
#include <utility>

namespace upgate::app {

NameWatch::NameWatch(io::Timers& timers, Background& background, Log& log, LookUp look_up,
                     Changed changed)
    : timers_(timers),
      background_(background),
      log_(log),
      look_up_(std::move(look_up)),
      changed_(std::move(changed)),
      timer_(timers, *this) {}

NameWatch::~NameWatch() = default;

void NameWatch::Watch(const upgrade::Generation& generation) {
  known_ = generation.names;
  auto before = std::exchange(groups_, {});
  for (NamedServer& named : NamesOf(*generation.config)) {
    Group& group = groups_[named.backend];
    group.interval = generation.config->backends.at(named.backend).resolve_interval;
    group.names.push_back(std::move(named));
  }
  for (auto& [name, group] : groups_) {
    const auto old = before.find(name);
    const bool same = old != before.end() && old->second.interval == group.interval;
    // A name that could not be looked up before the gateway listened: the log is to say so.
    const bool known = std::ranges::all_of(group.names, [&](const NamedServer& named) {
      return known_->contains({named.backend, named.server.url});
    });
    group.due = same ? old->second.due : timers_.Now() + (known ? group.interval : io::Millis{0});
  }
  ArmNext();
}

void NameWatch::ArmNext() {
  if (groups_.empty() || busy_) return timer_.Disarm();
  const auto next =
      std::ranges::min_element(groups_, {}, [](const auto& entry) { return entry.second.due; });
  timer_.Arm(std::max(io::Millis{1}, next->second.due - timers_.Now()));
}

void NameWatch::OnTimer(io::Timer&) {
  std::vector<NamedServer> wanted;
  for (auto& [name, group] : groups_) {
    if (group.due > timers_.Now()) continue;
    group.due = timers_.Now() + group.interval;
    wanted.insert(wanted.end(), group.names.begin(), group.names.end());
  }
  if (!wanted.empty()) {
    const auto answers = std::make_shared<std::vector<NameAnswer>>();
    busy_ = background_.Run(
        [look_up = look_up_, names = std::move(wanted), answers] { *answers = look_up(names); },
        [this, answers, alive = std::weak_ptr(alive_)] {
          if (!alive.expired()) OnAnswers(*answers);
        });
  }
  ArmNext();
}

void NameWatch::OnAnswers(const std::vector<NameAnswer>& answers) {
  busy_ = false;
  ArmNext();
  backend::ServersOfNames next = *known_;
  bool changed = false;
  for (const NameAnswer& answer : answers) {
    const auto& [backend, url] = answer.name;
    if (!answer.servers) {
      if (failing_.insert(answer.name).second)
        log_.Warn("name not looked up",
                  {{"backend", backend}, {"server", url}, {"why", answer.servers.error().message}});
      continue;
    }
    failing_.erase(answer.name);
    // Another configuration may not have it any more.
    const auto group = groups_.find(backend);
    const bool wanted = group != groups_.end() &&
                        std::ranges::any_of(group->second.names, [&](const NamedServer& named) {
                          return named.server.url == url;
                        });
    std::vector<config::Server>& servers = next[answer.name];
    if (!wanted || backend::AreTheSame(servers, *answer.servers)) continue;
    servers = *answer.servers;
    changed = true;
  }
  if (changed) changed_(std::move(next));
}

}  // namespace upgate::app
