#include "gateway/app/prepare.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/admin/token_file.h"
#include "gateway/app/keep_limits.h"
#include "gateway/app/make_plugins.h"
#include "gateway/app/options.h"
#include "gateway/app/secret_file.h"
#include "gateway/app/version.h"
#include "gateway/config/key.h"
#include "gateway/tls/mac.h"
#include "gateway/tls/renew.h"
#include "gateway/upgrade/identity_fields.h"

namespace upgate::app {
namespace {

using config::ConfigError;
using upgrade::AdminRecord;
using upgrade::Generation;
using upgrade::ListenerRecord;
using upgrade::RouteRecord;

bool UsesTls(const config::Backend& backend) {
  return std::ranges::any_of(backend.servers,
                             [](const auto& s) { return config::IsSecure(s.scheme); });
}

// Finds a record by name; nullptr if there is none.
template <class Records>
auto FindByName(const Records& records, std::string_view name) {
  const auto it =
      std::ranges::find(records, name, [](const auto& r) { return std::string_view(r->name); });
  return it != records.end() ? *it : nullptr;
}

// Of its servers; made unique.
std::vector<std::string> UrlsOf(const config::Backend& backend) {
  std::vector<std::string> urls;
  std::set<std::string, std::less<>> taken;
  for (const config::Server& server : backend.servers) {
    urls.push_back(stats::UniqueName(server.url, [&](auto n) { return taken.contains(n); }));
    taken.insert(urls.back());
  }
  return urls;
}

std::shared_ptr<const backend::HashRing> RingOf(const config::Backend& backend,
                                                const std::vector<std::string>& urls) {
  std::vector<backend::HashRing::Member> members;
  for (std::size_t i = 0; i < urls.size(); ++i)
    members.push_back({urls[i], backend.servers[i].weight});
  return std::make_shared<const backend::HashRing>(members);
}

bool HaveSameCookies(const backend::StickyValues* a, const backend::StickyValues* b) {
  return (a == nullptr) == (b == nullptr) && (a == nullptr || *a == *b);
}

// True if both routes have the same text in everything that a service is created from.
bool MakeTheSameService(const config::Route& a, const config::Route& b) {
  return a.plugin == b.plugin && a.options_words == b.options_words &&
         a.path.written == b.path.written && a.limits == b.limits;
}

// Makes a generation from a configuration. Reuses the records of the previous generation whose name
// and text are unchanged.
class Maker {
 public:
  Maker(const config::Draft& draft, const plugin::Registry& plugins, const Serving* serving)
      : config_(draft.config),
        known_(draft.errors),
        plugins_(plugins),
        serving_(serving),
        before_(serving != nullptr ? serving->previous : nullptr) {
    if (before_ != nullptr) IndexRecords();
  }

  std::shared_ptr<Generation> Make() {
    generation_->number = serving_ == nullptr ? 0 : before_ == nullptr ? 1 : before_->number + 1;
    generation_->config = config_;
    generation_->sticky_key = before_ != nullptr
                                  ? before_->sticky_key
                                  : std::make_shared<const std::string>(tls::RandomKey());
    auto http = std::make_shared<http::ServerOptions>(HttpOptions(*config_));
    http->error_pages = ReadErrorPages(*config_, errors_);
    generation_->http = std::move(http);
    for (std::size_t i = 0; i < config_->listeners.size(); ++i)
      AddListener(config_->listeners[i], fmt::format("listeners[{}]", i));
    AddAdmin();
    generation_->names = serving_ != nullptr && serving_->names
                             ? serving_->names
                             : std::make_shared<const backend::ServersOfNames>();
    for (const auto& [name, backend] : config_->backends) {
      if (backend::HasNames(backend)) {
        AddBackend(backend::Expand(backend, *generation_->names));
      } else {
        AddBackend(backend);
      }
    }
    for (const auto& [name, one] : config_->auth) AddAuth(one);
    generation_->forged.drop = upgrade::IdentityFieldsOf(*generation_);
    for (const config::Route& route : config_->routes) AddRoute(route);
    KeepThoseAway();
    return std::move(generation_);
  }
  std::vector<ConfigError> TakeErrors() { return std::move(errors_); }

 private:
  void IndexRecords() {
    for (const auto& route : before_->routes) routes_before_.emplace(route->name, route);
    for (const auto& [name, backend] : before_->backends) {
      for (const auto& server : backend->servers)
        servers_before_.emplace(std::pair(server->backend, server->url), server);
    }
  }

  // Gives a record its own copy: see ListenerRecord.
  template <class Record, class Settings>
  static void SetConfig(Record& record, const Settings& settings) {
    auto copy = std::make_shared<const Settings>(settings);
    record.config = copy.get();
    record.owner = std::move(copy);
  }

  void KeepThoseAway() {
    if (before_ == nullptr) return;
    for (const auto& [key, record] : before_->away) {
      if (!record.expired()) generation_->away.insert_or_assign(key, record);
    }
    for (const auto& [key, record] : servers_before_)
      generation_->away.insert_or_assign(key, record);
    for (const auto& [name, backend] : generation_->backends) {
      for (const auto& server : backend->servers)
        generation_->away.erase({server->backend, server->url});
    }
  }

  bool IsWrong(const std::string& key) const { return config::HasErrorIn(known_, key); }

  // Returns nullptr and adds errors if a file is invalid.
  template <class Context, class Settings>
  std::shared_ptr<Context> ReadTls(const Settings& settings, const std::string& key) {
    if (IsWrong(key)) return nullptr;
    auto context = Context::Make(settings);
    if (context) return std::move(*context);
    config::AppendAll(errors_, std::move(context.error()));
    return nullptr;
  }

  // Both may be nullptr.
  template <class Context>
  void NoteRenewal(const std::shared_ptr<tls::ContextCell<Context>>& before,
                   const std::shared_ptr<Context>& now, std::string owner) {
    if (before && now && before->Get()->files().digest != now->files().digest)
      generation_->renewed.push_back(std::move(owner));
  }

  template <class Context>
  void RenewLater(const std::shared_ptr<tls::ContextCell<Context>>& cell,
                  std::shared_ptr<Context> context) {
    generation_->renewals.push_back(
        [cell, fresh = std::move(context)] { tls::Renew(*cell, fresh); });
  }

  void AddListener(const config::Listener& listener, const std::string& key) {
    const std::string wanted = listener.address.ToString();
    const std::string name =
        stats::UniqueName(wanted, [&](auto n) { return listener_names_.contains(n); });
    listener_names_.insert(name);
    std::shared_ptr<tls::ServerContext> context;
    if (listener.tls) context = ReadTls<tls::ServerContext>(*listener.tls, key);
    const auto before = before_ != nullptr ? FindByName(before_->listeners, name) : nullptr;
    if (before) NoteRenewal(before->tls, context, "listener " + name);
    if (before && before->config->words == listener.words) {
      if (context) RenewLater(before->tls, std::move(context));
      return generation_->listeners.push_back(before);
    }
    auto record = std::make_shared<ListenerRecord>();
    SetConfig(*record, listener);
    record->name = name;
    if (context) {
      if (before && before->tls) context->ShareTicketKeys(*before->tls->Get());
      record->tls = std::make_shared<tls::ContextCell<tls::ServerContext>>(std::move(context));
    }
    if (serving_ != nullptr) {
      record->row = serving_->registry.Listener(name);
      LimitConnections(*record, before.get(), *generation_);
    }
    generation_->listeners.push_back(std::move(record));
  }

  // The files are read even if the address needs a restart, to report errors in them.
  void AddAdmin() {
    auto record = config_->admin ? MakeAdmin(*config_->admin) : nullptr;
    const auto before = before_ != nullptr ? before_->admin : nullptr;
    const bool same_address =
        before && record &&
        before->config->address.ToString() == record->config->address.ToString();
    if (same_address && before->tls && record->tls)
      NoteRenewal(before->tls, record->tls->Get(), "admin");
    generation_->admin = before_ == nullptr || same_address ? record : before;
  }

  std::shared_ptr<const AdminRecord> MakeAdmin(const config::Admin& admin) {
    auto record = std::make_shared<AdminRecord>();
    SetConfig(*record, admin);
    if (admin.token_file && !IsWrong("admin")) {
      if (auto tokens = admin::ReadTokenFile(*admin.token_file))
        record->tokens = std::move(*tokens);
      else
        errors_.push_back(std::move(tokens.error()));
    }
    if (admin.tls) {
      if (auto context = ReadTls<tls::ServerContext>(*admin.tls, "admin"))
        record->tls = std::make_shared<tls::ContextCell<tls::ServerContext>>(std::move(context));
    }
    return record;
  }

  void AddBackend(const config::Backend& backend) {
    std::shared_ptr<tls::ClientContext> context;
    if (UsesTls(backend))
      context = ReadTls<tls::ClientContext>(backend.tls, "backends." + backend.name);
    const std::vector<std::string> urls = UrlsOf(backend);
    std::shared_ptr<const backend::StickyValues> sticky;
    if (backend.sticky) sticky = StickyFor(backend, urls);
    if (before_ != nullptr) {
      const auto before = before_->backends.find(backend.name);
      if (before != before_->backends.end())
        NoteRenewal(before->second->tls, context, "backend " + backend.name);
      if (before != before_->backends.end() && before->second->config->words == backend.words &&
          backend::AreTheSame(before->second->config->servers, backend.servers) &&
          HaveSameCookies(before->second->sticky.get(), sticky.get())) {
        if (context) RenewLater(before->second->tls, std::move(context));
        generation_->backends.emplace(backend.name, before->second);
        return;
      }
    }
    auto record = std::make_shared<backend::BackendRecord>();
    SetConfig(*record, backend);
    if (context)
      record->tls = std::make_shared<tls::ContextCell<tls::ClientContext>>(std::move(context));
    for (const std::string& url : urls) record->servers.push_back(ServerOf(backend.name, url));
    if (backend.balance == config::Balance::kHash) record->ring = RingOf(backend, urls);
    record->sticky = std::move(sticky);
    generation_->backends.emplace(backend.name, std::move(record));
  }

  // Made in any case, as that also looks at the files that its options name. One with the same
  // options goes on, with what it has learned.
  void AddAuth(const config::Authenticator& one) {
    if (IsWrong(config::MemberKey("auth", one.name))) return;
    std::shared_ptr<const plugin::AuthCheck> check = MakeAuth(*config_, one, plugins_, errors_);
    if (!check) return;
    if (before_ != nullptr) {
      const auto before = before_->auth.find(one.name);
      if (before != before_->auth.end() && before->second->config->words == one.words) {
        generation_->auth.emplace(one.name, before->second);
        return;
      }
    }
    auto record = std::make_shared<upgrade::AuthRecord>();
    SetConfig(*record, one);
    record->check = std::move(check);
    generation_->auth.emplace(one.name, std::move(record));
  }

  std::vector<std::shared_ptr<const upgrade::AuthRecord>> AuthOf(const config::Route& route) const {
    std::vector<std::shared_ptr<const upgrade::AuthRecord>> records;
    if (!route.auth) return records;
    for (const std::string& name : route.auth->use) {
      const auto known = generation_->auth.find(name);
      if (known != generation_->auth.end()) records.push_back(known->second);
    }
    return records;
  }

  // nullptr, with an error, when its secret cannot be had.
  std::shared_ptr<const backend::StickyValues> StickyFor(const config::Backend& backend,
                                                         const std::vector<std::string>& urls) {
    std::string key = *generation_->sticky_key;
    if (const auto& file = backend.sticky->secret_file) {
      if (IsWrong("backends." + backend.name)) return nullptr;
      auto secret = ReadSecretFile(*file);
      if (!secret) {
        errors_.push_back(std::move(secret.error()));
        return nullptr;
      }
      key = std::move(*secret);
    }
    return std::make_shared<backend::StickyValues>(key, backend.name, urls);
  }

  std::shared_ptr<backend::ServerRecord> ServerOf(const std::string& backend,
                                                  const std::string& url) {
    const auto before = servers_before_.find(std::pair(backend, url));
    if (before != servers_before_.end()) return before->second;
    if (before_ != nullptr) {
      const auto away = before_->away.find({backend, url});
      if (away != before_->away.end()) {
        if (auto known = away->second.lock()) return known;
      }
    }
    return std::make_shared<backend::ServerRecord>(
        backend, url, serving_ != nullptr ? serving_->registry.Server(backend, url) : nullptr);
  }

  void AddRoute(const config::Route& given) {
    std::shared_ptr<const RouteRecord> before;
    if (const auto it = routes_before_.find(given.name); it != routes_before_.end())
      before = it->second;
    auto record = std::make_shared<RouteRecord>();
    SetConfig(*record, given);
    const config::Route& route = *record->config;
    record->name = route.name;
    if (route.plugin && !IsWrong(fmt::format("routes[{}]", route.index)))
      record->service = ServiceOf(*record, before.get());
    if (route.backend) {
      const auto backend = generation_->backends.find(*route.backend);
      if (backend != generation_->backends.end()) record->backend = backend->second;
    }
    for (const config::Share& share : route.split) {
      const auto backend = generation_->backends.find(share.backend);
      if (backend != generation_->backends.end()) record->split.push_back(backend->second);
    }
    if (route.resolver && !IsWrong(fmt::format("routes[{}]", route.index)))
      record->resolver = ResolverOf(route, before.get());
    record->auth = AuthOf(route);
    if (before && before->config->words == route.words && before->service == record->service &&
        before->auth == record->auth && before->resolver == record->resolver &&
        before->backend == record->backend && before->split == record->split) {
      return generation_->AddRoute(std::move(before));
    }
    if (!IsWrong(fmt::format("routes[{}]", route.index)))
      record->rewriter = upgrade::Rewriter::For(route);
    if (serving_ != nullptr) {
      record->row = serving_->registry.Route(record->name);
      LimitClients(*record, before.get(), *generation_);
    }
    generation_->AddRoute(std::move(record));
  }

  // Made in any case, as that also looks at the files that its options name. That of a route with
  // the same options goes on, with its answers and connections.
  std::shared_ptr<const upgrade::ResolverRecord> ResolverOf(const config::Route& route,
                                                            const RouteRecord* before) {
    auto made = MakeResolver(*config_, route, plugins_, errors_);
    auto context = ReadTls<tls::ClientContext>(route.resolver->backend.tls,
                                               fmt::format("routes[{}]", route.index));
    if (!made || !context) return nullptr;
    if (before != nullptr && before->resolver &&
        before->config->resolver->name == route.resolver->name &&
        before->config->options_words == route.options_words) {
      RenewLater(before->resolver->tls, std::move(context));
      return before->resolver;
    }
    auto record = std::make_shared<upgrade::ResolverRecord>();
    record->owner = route.resolver;
    record->config = route.resolver.get();
    record->plugin = std::move(made);
    record->tls = std::make_shared<tls::ContextCell<tls::ClientContext>>(std::move(context));
    if (serving_ != nullptr)
      record->row = serving_->registry.Server(route.resolver->backend.name, route.name);
    return record;
  }

  // Always creates a service, because that also checks the files that its options name.
  std::shared_ptr<const plugin::Service> ServiceOf(const RouteRecord& record,
                                                   const RouteRecord* before) {
    const config::Route& route = *record.config;
    auto service = MakeService(*config_, route, plugins_, errors_);
    if (!service) return nullptr;
    const bool same =
        before != nullptr && before->service && MakeTheSameService(*before->config, route);
    return same ? before->service : Owned(std::move(service), record.owner);
  }

  // Instances borrow their service, so it is destroyed only when every loop has destroyed its
  // instance. `settings` own the part of the configuration that the service borrows.
  std::shared_ptr<const plugin::Service> Owned(std::unique_ptr<plugin::Service> service,
                                               const std::shared_ptr<const void>& settings) const {
    std::weak_ptr<const Loops> loops;
    if (serving_ != nullptr) loops = serving_->loops;
    const auto let_go = [loops, settings](const plugin::Service* unused) {
      const std::shared_ptr<const plugin::Service> last(
          unused, [settings](const plugin::Service* s) { delete s; });
      const auto running = loops.lock();
      if (!running) return;
      for (std::size_t i = 0; i < running->count; ++i)
        running->post(i, [last](upgrade::Gateway& g) { g.routes().DropHost(*last); });
    };
    return {service.release(), let_go};
  }

  const std::shared_ptr<const config::Config> config_;
  const std::vector<ConfigError>& known_;
  const plugin::Registry& plugins_;
  const Serving* serving_;
  const Generation* before_;
  std::map<std::string, std::shared_ptr<const RouteRecord>, std::less<>> routes_before_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<backend::ServerRecord>>
      servers_before_;
  std::vector<ConfigError> errors_;
  std::shared_ptr<Generation> generation_ = std::make_shared<Generation>();
  std::set<std::string, std::less<>> listener_names_;
};

}  // namespace

Prepared Prepare(const config::Draft& draft, const plugin::Registry& plugins,
                 const Serving* serving) {
  if (!draft.config) return std::unexpected(draft.errors);
  Maker maker(draft, plugins, serving);
  std::shared_ptr<Generation> generation = maker.Make();
  std::vector<ConfigError> errors = draft.errors;
  config::AppendAll(errors, maker.TakeErrors());
  if (!errors.empty()) {
    config::SortByPlace(errors);
    return std::unexpected(std::move(errors));
  }
  generation->router = std::make_unique<route::Router>(draft.config->routes);
  return generation;
}

Prepared Prepare(std::shared_ptr<const config::Config> config, const plugin::Registry& plugins,
                 const Serving* serving) {
  return Prepare(config::Draft{std::move(config), {}}, plugins, serving);
}

stats::Registry::Order RowsOf(const Generation& generation) {
  stats::Registry::Order order;
  for (const auto& listener : generation.listeners) order.listeners.push_back(listener->row);
  for (const auto& route : generation.routes) order.routes.push_back(route->row);
  for (const auto& [name, backend] : generation.backends) {
    for (const auto& server : backend->servers) order.servers.push_back(server->row);
  }
  for (const auto& route : generation.routes) {
    if (route->resolver) order.servers.push_back(route->resolver->row);
  }
  return order;
}

void ShowServers(const Generation& generation) {
  for (const auto& [name, backend] : generation.backends) {
    for (std::size_t i = 0; i < backend->servers.size(); ++i) {
      const backend::ServerRecord& server = *backend->servers[i];
      server.row->weight = backend->config->servers[i].weight;
      server.row->ejected = server.health.ejected();
      server.row->down = server.health.down();
    }
  }
}

stats::Registry::Build BuildInfo() {
  stats::Registry::Build build = LibraryVersions();
  build.emplace(build.begin(), "version", VersionNumber());
  return build;
}

}  // namespace upgate::app
