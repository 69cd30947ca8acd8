#include "gateway/app/reloader.h"

#include <algorithm>
#include <utility>

#include "gateway/app/changes.h"
#include "gateway/app/listen_address.h"
#include "gateway/app/listen_error.h"
#include "gateway/app/name_lookup.h"
#include "gateway/config/read_text.h"
#include "gateway/net/listener.h"

namespace upgate::app {
namespace {

// Bounds the queue, in case a client repeats its request.
constexpr std::size_t kMostWaiting = 64;

config::ConfigError WholeFile(std::string message) {
  return {{}, "", std::move(message)};
}

}  // namespace

Reloader::Reloader(Setup setup, std::shared_ptr<const upgrade::Generation> generation, Owner& owner)
    : setup_(std::move(setup)),
      generation_(std::move(generation)),
      started_(generation_->config),
      owner_(owner),
      background_(setup_.main) {}

void Reloader::Request(const std::string& caller, Done done) {
  setup_.log.Info("reload requested", {{"by", caller}});
  admin::ReloadResult refused;
  refused.file = setup_.file;
  if (stopped_) refused.errors.push_back(WholeFile("the gateway is shutting down"));
  if (setup_.file.empty())
    refused.errors.push_back(WholeFile("there is no configuration file to read again"));
  if (setup_.file == config::kStandardInput)
    refused.errors.push_back(
        WholeFile("the configuration came from standard input and cannot be read again"));
  if (waiting_.size() >= kMostWaiting)
    refused.errors.push_back(WholeFile("too many reloads are waiting"));
  if (!refused.errors.empty()) {
    refused.generation = generation_->number;
    return setup_.main.Post([refused, tell = std::move(done)] { tell(refused); });
  }
  waiting_.push_back({std::move(done), nullptr});
  if (!busy_) StartNext();
}

void Reloader::TakeNames(backend::ServersOfNames names) {
  if (stopped_ || busy_) return;
  waiting_.push_back({[](const admin::ReloadResult&) {},
                      std::make_shared<const backend::ServersOfNames>(std::move(names))});
  StartNext();
}

void Reloader::StartNext() {
  busy_ = true;
  auto loaded = std::make_shared<Loaded>();
  const bool started =
      background_.Run([this, loaded, names = waiting_.front().names] { *loaded = Load(names); },
                      [this, loaded] { OnLoaded(std::move(*loaded)); });
  if (!started) Refuse({WholeFile("the system does not allow another thread")});
}

Reloader::Loaded Reloader::Load(std::shared_ptr<const backend::ServersOfNames> names) const {
  Loaded loaded;
  const config::Draft draft =
      names ? config::Draft{generation_->config, {}} : config::LoadDraft(setup_.file);
  if (!names && draft.config && draft.errors.empty())
    names = std::make_shared<const backend::ServersOfNames>(
        LookUpAll(*draft.config, *generation_->names));
  const Serving serving{setup_.registry, setup_.loops, generation_.get(), std::move(names)};
  Prepared prepared = Prepare(draft, setup_.plugins, &serving);
  if (!prepared) {
    loaded.errors = std::move(prepared.error());
    return loaded;
  }
  loaded.generation = std::move(*prepared);
  BindNewListeners(loaded);
  if (!loaded.errors.empty()) {
    loaded.generation = nullptr;
    return loaded;
  }
  loaded.changes = ChangesBetween(*generation_, *loaded.generation);
  loaded.needs_restart = NeedingRestart(*started_, *loaded.generation->config);
  return loaded;
}

void Reloader::BindNewListeners(Loaded& loaded) const {
  const auto& listeners = loaded.generation->listeners;
  const std::size_t workers = setup_.workers.size();
  loaded.sockets.resize(workers);
  for (auto& sockets : loaded.sockets) sockets.resize(listeners.size());
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const config::Listener& listener = *listeners[i]->config;
    const bool known = std::ranges::any_of(
        generation_->listeners, [&](const auto& one) { return one->name == listeners[i]->name; });
    if (known) continue;
    const auto failed = [&](const Error& error) {
      loaded.errors.push_back(ListenError(listener.address, error));
    };
    const auto resolved = ResolveListenAddress(listener.address);
    if (!resolved) {
      failed(resolved.error());
      continue;
    }
    for (SocketAddress address : *resolved) {
      // As in Server::Listen: every loop has its own socket, except for unix sockets.
      const std::size_t sockets = std::holds_alternative<UnixPath>(address) ? 1 : workers;
      for (std::size_t w = 0; w < sockets; ++w) {
        const auto sharing = sockets == 1 ? io::Sharing::kAlone
                             : w == 0     ? io::Sharing::kFirst
                                          : io::Sharing::kJoin;
        auto bound = setup_.inherited.Take(address);
        if (bound && !*bound)
          bound = net::Bind(address, {.backlog = listener.backlog, .sharing = sharing});
        if (!bound) {
          failed(bound.error());
          break;
        }
        address = (*bound)->address();
        loaded.sockets[w][i].push_back(std::move(*bound));
      }
    }
  }
}

Worker::Done Reloader::ForEachWorker(void (Reloader::*then)()) {
  missing_ = setup_.workers.size();
  return [this, then](std::chrono::microseconds pause) {
    setup_.main.Post([this, then, pause] {
      pause_ = std::max(pause_, pause);
      if (--missing_ == 0) (this->*then)();
    });
  };
}

void Reloader::OnLoaded(Loaded loaded) {
  if (stopped_) return Refuse({WholeFile("the gateway is shutting down")});
  if (!loaded.generation) return Refuse(std::move(loaded.errors));
  loaded_ = std::move(loaded);
  pause_ = {};
  const auto done = ForEachWorker(&Reloader::OnAllPrepared);
  for (auto& worker : setup_.workers) worker->Prepare(loaded_.generation, done);
}

void Reloader::OnAllPrepared() {
  pause_ = std::max(pause_, Timed([this] { SwitchAll(); }));
}

void Reloader::SwitchAll() {
  const upgrade::Generation& next = *loaded_.generation;
  result_ = {.ok = true,
             .generation = next.number,
             .changes = std::move(loaded_.changes),
             .needs_restart = std::move(loaded_.needs_restart),
             .file = setup_.file,
             .errors = {}};
  for (const auto& renew : next.renewals) renew();
  owner_.OnSwitch(loaded_.generation);
  const auto done = ForEachWorker(&Reloader::OnAllSwitched);
  const auto released = DestroyWhenReleased();
  for (std::size_t i = 0; i < setup_.workers.size(); ++i)
    setup_.workers[i]->Switch(loaded_.generation, std::move(loaded_.sockets[i]), done, released);
}

// Destroying many routes takes time, so no loop does it: the background thread drops the last
// reference when no loop has one any more.
std::function<void()> Reloader::DestroyWhenReleased() {
  replaced_.push_back(generation_);
  const auto missing = std::make_shared<std::size_t>(setup_.workers.size());
  return [this, missing, number = generation_->number] {
    setup_.main.Post([this, missing, number] {
      if (--*missing > 0) return;
      const auto it =
          std::ranges::find(replaced_, number, [](const auto& one) { return one->number; });
      background_.Run([last = std::move(*it)]() mutable { last.reset(); }, [] {});
      replaced_.erase(it);
    });
  };
}

void Reloader::OnAllSwitched() {
  generation_ = std::move(loaded_.generation);
  loaded_ = {};
  const auto tell = [this, names = waiting_.front().names != nullptr, now = generation_] {
    setup_.registry.SetOrder(RowsOf(*now));
    LogChanges(names);
  };
  const auto told = [this] { OnTold(); };
  if (background_.Run(tell, told)) return;
  tell();
  told();
}

void Reloader::OnTold() {
  if (waiting_.front().names) {
    owner_.OnNamesTaken();
  } else {
    owner_.OnSwitched(result_);
  }
  Finish(result_);
}

void Reloader::LogChanges(bool names) const {
  if (names) {
    for (const admin::Change& change : result_.changes) {
      if (change.what == "server")
        setup_.log.Info("address " + change.change, {{"server", change.name}});
    }
    return;
  }
  setup_.log.Info("configuration reloaded", {{"generation", generation_->number},
                                             {"changes", std::uint64_t{result_.changes.size()}},
                                             {"pause_us", std::uint64_t(pause_.count())}});
  for (const admin::Change& change : result_.changes)
    setup_.log.Info("configuration changed",
                    {{"what", change.what}, {"name", change.name}, {"change", change.change}});
  for (const std::string& key : result_.needs_restart)
    setup_.log.Warn("restart needed", {{"key", key}});
}

void Reloader::Refuse(std::vector<config::ConfigError> errors) {
  const bool names = waiting_.front().names != nullptr;
  for (const config::ConfigError& error : errors)
    setup_.log.Error(names ? "addresses not taken" : "reload refused",
                     {{"why", config::ToString(setup_.file, error)}});
  const admin::ReloadResult refused{.ok = false,
                                    .generation = generation_->number,
                                    .changes = {},
                                    .needs_restart = {},
                                    .file = setup_.file,
                                    .errors = std::move(errors)};
  if (!names) owner_.OnSwitched(refused);
  Finish(refused);
}

void Reloader::Finish(const admin::ReloadResult& result) {
  const Done done = std::move(waiting_.front().done);
  waiting_.pop_front();
  done(result);
  busy_ = false;
  if (!waiting_.empty()) StartNext();
}

}  // namespace upgate::app
