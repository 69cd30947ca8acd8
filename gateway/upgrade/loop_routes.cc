#include "gateway/upgrade/loop_routes.h"

#include <algorithm>
#include <utility>

#include "gateway/upgrade/loop_auth.h"
#include "gateway/upgrade/loop_resolver.h"

namespace upgate::upgrade {

LoopRoutes::LoopRoutes(const Setup& setup) : setup_(setup) {}

LoopRoutes::~LoopRoutes() = default;

void LoopRoutes::Prepare(std::shared_ptr<const Generation> generation) {
  Table table{
      .generation = std::move(generation), .contexts = {}, .backends = {}, .auth = {}, .names = {}};
  std::unordered_map<const RouteRecord*, RouteContext*> known;
  for (const Ref<RouteContext>& context : now_.contexts)
    known.emplace(&context->record(), context.get());
  table.contexts.reserve(table.generation->routes.size());
  for (const std::shared_ptr<const RouteRecord>& record : table.generation->routes) {
    table.names.emplace(record->name, record.get());
    const auto same = known.find(record.get());
    if (same == known.end()) {
      table.contexts.push_back(MakeContext(record, table));
      continue;
    }
    table.contexts.emplace_back(same->second);
    if (record->backend) BackendFor(record->backend, table);
    for (const auto& backend : record->split) BackendFor(backend, table);
    for (const auto& auth : record->auth) AuthFor(auth, table);
  }
  next_ = std::move(table);
}

bool LoopRoutes::Switch() {
  if (!next_) return false;
  const bool changed = std::ranges::any_of(now_.contexts, [&](const Ref<RouteContext>& context) {
    const auto same = next_->names.find(context->name());
    return same == next_->names.end() || same->second != &context->record();
  });
  now_ = std::move(*next_);
  next_.reset();
  return changed;
}

const RouteRecord* LoopRoutes::FindByName(std::string_view name) const {
  const auto it = now_.names.find(name);
  return it != now_.names.end() ? it->second : nullptr;
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
