#include "gateway/upgrade/loop_routes.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "gateway/upgrade/loop_auth.h"
#include "gateway/upgrade/loop_resolver.h"

namespace upgate::upgrade {

namespace {

// What one turn does: each takes some microseconds, a context that is kept far less.
constexpr std::size_t kNewContexts = 16;
constexpr std::size_t kKeptContexts = 128;
constexpr std::size_t kReleased = 32;

}  // namespace

// Releases a table that is not in use any more.
class LoopRoutes::Retired final : public io::Later, public io::Deletable {
 public:
  Retired(LoopRoutes& routes, Table table, std::function<void()> released)
      : routes_(routes), table_(std::move(table)), released_(std::move(released)) {
    // Whoever waits for `released` owns it, and is not a loop.
    table_.generation.reset();
  }

  void OnLater() override {
    for (std::size_t i = 0; i < kReleased; ++i) {
      if (!ReleaseOne()) return Finish();
    }
    routes_.setup_.loop.turn.Continue(*this);
  }

 private:
  bool ReleaseOne() {
    if (!table_.contexts.empty()) {
      table_.contexts.pop_back();
    } else if (!table_.backends.empty()) {
      table_.backends.erase(table_.backends.begin());
    } else if (!table_.auth.empty()) {
      table_.auth.erase(table_.auth.begin());
    } else {
      return false;
    }
    return true;
  }

  void Finish() {
    const auto released = std::move(released_);
    const auto it = std::ranges::find(routes_.retired_, this, &std::unique_ptr<Retired>::get);
    routes_.setup_.loop.turn.DeferDelete(std::move(*it));
    routes_.retired_.erase(it);
    if (released) released();
  }

  LoopRoutes& routes_;
  Table table_;
  std::function<void()> released_;
};

LoopRoutes::LoopRoutes(const Setup& setup) : setup_(setup) {}

LoopRoutes::~LoopRoutes() = default;

void LoopRoutes::Prepare(std::shared_ptr<const Generation> generation, Prepared done) {
  Begin(std::move(generation));
  prepared_ = std::move(done);
  setup_.loop.turn.Continue(*this);
}

void LoopRoutes::PrepareNow(std::shared_ptr<const Generation> generation) {
  Begin(std::move(generation));
  while (PrepareSome()) {
  }
}

void LoopRoutes::Begin(std::shared_ptr<const Generation> generation) {
  Cancel();
  prepared_ = nullptr;
  longest_ = {};
  kept_ = 0;
  next_ = Table{.generation = std::move(generation), .contexts = {}, .backends = {}, .auth = {}};
  next_->contexts.reserve(next_->generation->routes.size());
}

void LoopRoutes::OnLater() {
  const std::uint64_t began = setup_.loop.timers.Micros();
  const bool more = PrepareSome();
  longest_ = std::max(longest_, std::chrono::microseconds(setup_.loop.timers.Micros() - began));
  if (more) return setup_.loop.turn.Continue(*this);
  const Prepared done = std::exchange(prepared_, nullptr);
  done(longest_);
}

bool LoopRoutes::PrepareSome() {
  const std::size_t kept_before = kept_;
  for (std::size_t i = 0; !IsPrepared() && i < kKeptContexts; ++i) {
    AddContext(next_->generation->routes[next_->contexts.size()]);
    if (i + 1 - (kept_ - kept_before) == kNewContexts) break;
  }
  return !IsPrepared();
}

bool LoopRoutes::IsPrepared() const {
  return next_ && next_->contexts.size() == next_->generation->routes.size();
}

void LoopRoutes::AddContext(const std::shared_ptr<const RouteRecord>& record) {
  Table& table = *next_;
  RouteContext* const same = KeptFor(*record);
  if (same == nullptr) return table.contexts.push_back(MakeContext(record, table));
  ++kept_;
  table.contexts.emplace_back(same);
  if (record->backend) BackendFor(record->backend, table);
  for (const auto& backend : record->split) BackendFor(backend, table);
  for (const auto& auth : record->auth) AuthFor(auth, table);
}

RouteContext* LoopRoutes::KeptFor(const RouteRecord& record) const {
  if (!now_.generation) return nullptr;
  const auto before = now_.generation->places.find(record.name);
  if (before == now_.generation->places.end()) return nullptr;
  RouteContext* const context = now_.contexts[before->second].get();
  return &context->record() == &record ? context : nullptr;
}

bool LoopRoutes::Switch(std::function<void()> released) {
  if (!IsPrepared()) return false;
  const bool changed = kept_ != now_.contexts.size();
  Table before = std::exchange(now_, std::move(*next_));
  next_.reset();
  retired_.push_back(std::make_unique<Retired>(*this, std::move(before), std::move(released)));
  setup_.loop.turn.Continue(*retired_.back());
  return changed;
}

Ref<RouteContext> LoopRoutes::MakeContext(const std::shared_ptr<const RouteRecord>& record,
                                          Table& table) {
  Backends split;
  for (const auto& backend : record->split) split.push_back(BackendFor(backend, table));
  Authenticators auth;
  for (const auto& one : record->auth) auth.push_back(AuthFor(one, table));
  return MakeRef<RouteContext>(record, TargetOf(record, table), std::move(split), std::move(auth),
                               setup_.index);
}

Target LoopRoutes::TargetOf(const std::shared_ptr<const RouteRecord>& record, Table& table) {
  if (record->service) return HostFor(*record->service);
  if (record->backend) return BackendFor(record->backend, table);
  return MakeRef<LoopResolver>(record->resolver, record->name,
                               LoopResolver::Place{.loop = setup_.loop,
                                                   .scratch = setup_.scratch,
                                                   .idle_servers = setup_.idle_servers,
                                                   .log = setup_.log,
                                                   .post = setup_.post,
                                                   .index = setup_.index});
}

Ref<LoopBackend> LoopRoutes::BackendFor(const std::shared_ptr<const backend::BackendRecord>& record,
                                        Table& table) {
  Ref<LoopBackend>& made = table.backends[record.get()];
  if (made) return made;
  if (const auto same = now_.backends.find(record.get()); same != now_.backends.end())
    return made = same->second;
  return made = MakeRef<LoopBackend>(record, setup_.loop, setup_.scratch, setup_.servers,
                                     setup_.idle_servers, setup_.index);
}

Ref<LoopAuth> LoopRoutes::AuthFor(const std::shared_ptr<const AuthRecord>& record, Table& table) {
  Ref<LoopAuth>& made = table.auth[record.get()];
  if (made) return made;
  if (const auto same = now_.auth.find(record.get()); same != now_.auth.end())
    return made = same->second;
  return made = MakeRef<LoopAuth>(record, LoopAuth::Place{.loop = setup_.loop,
                                                          .scratch = setup_.scratch,
                                                          .log = setup_.log,
                                                          .post = setup_.post,
                                                          .index = setup_.index});
}

Ref<ServiceHost> LoopRoutes::HostFor(const plugin::Service& service) {
  Ref<ServiceHost>& host = hosts_[&service];
  if (!host) {
    host =
        MakeRef<ServiceHost>(service, ServiceHost::Place{setup_.loop, setup_.index, setup_.loops},
                             setup_.stats, setup_.others);
  }
  return host;
}

ServiceHost* LoopRoutes::HostOf(const plugin::Service& service) {
  const auto host = hosts_.find(&service);
  return host != hosts_.end() ? host->second.get() : nullptr;
}

}  // namespace upgate::upgrade
