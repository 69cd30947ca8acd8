#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gateway/app/background.h"
#include "gateway/app/name_lookup.h"
#include "gateway/backend/server_names.h"
#include "gateway/base/log.h"
#include "gateway/io/timers.h"
#include "gateway/upgrade/generation.h"

namespace upgate::app {

// Looks up the names that stand for servers again and again, each backend's at its
// resolve_interval, on a background thread, and calls back when one of them stands for other
// servers. A name that cannot be looked up keeps its servers; the log says so once. On the thread
// of its timers.
class NameWatch final : private io::Timer::Owner {
 public:
  using LookUp = std::function<std::vector<NameAnswer>(const std::vector<NamedServer>&)>;
  using Changed = std::function<void(backend::ServersOfNames)>;

  // Everything is borrowed and outlives the watch. `look_up` runs on the background thread.
  NameWatch(io::Timers& timers, Background& background, Log& log, LookUp look_up, Changed changed);
  ~NameWatch();

  // The names of this generation from now on, and the servers that it has for them.
  void Watch(const upgrade::Generation& generation);

 private:
  struct Group {  // of a backend
    io::Millis interval{0};
    io::Instant due{};
    std::vector<NamedServer> names;
  };

  void OnTimer(io::Timer&) override;
  void ArmNext();
  void OnAnswers(const std::vector<NameAnswer>& answers);

  io::Timers& timers_;
  Background& background_;
  Log& log_;
  const LookUp look_up_;
  const Changed changed_;
  std::map<std::string, Group> groups_;
  std::shared_ptr<const backend::ServersOfNames> known_;
  std::set<backend::NameKey> failing_;  // the log has a line about these
  bool busy_ = false;
  io::Timer timer_;
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace upgate::app
