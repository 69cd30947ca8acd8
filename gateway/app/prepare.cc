#include "gateway/app/prepare.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/app/options.h"
#include "gateway/app/version.h"
#include "gateway/base/text.h"

namespace upgate::app {
namespace {

using config::ConfigError;
using upgrade::Generation;
using upgrade::ListenerRecord;
using upgrade::RouteRecord;

// nullptr, with errors, when there is no such plugin.
std::unique_ptr<plugin::Service> MakeService(const config::Config& config,
                                             const config::Route& route,
                                             const plugin::Registry& plugins,
                                             std::vector<ConfigError>& errors) {
  const plugin::ServiceFactory* factory = plugins.FindService(*route.plugin);
  const std::string key = fmt::format("routes[{}]", route.index);
  if (factory == nullptr) {
    const std::vector<std::string> names = plugins.ServiceNames();
    const std::string_view near = NearestOf(*route.plugin, names);
    const std::string written = config::Excerpt(*route.plugin);
    errors.push_back(
        {route.plugin_mark, key + ".plugin",
         near.empty()
             ? fmt::format("there is no plugin '{}'; there are {}", written, fmt::join(names, ", "))
             : fmt::format("there is no plugin '{}'; did you mean '{}'?", written, near)});
    return nullptr;
  }
  return (*factory)({route, config::Field(route.options, key + ".options", errors), config.folder});
}

bool UsesTls(const config::Backend& backend) {
  return std::ranges::any_of(backend.servers,
                             [](const auto& s) { return config::IsSecure(s.scheme); });
}

std::string NameOf(const config::Route& route) {
  std::string name = route.path.written;
  for (const auto& host : route.hosts) name += (host.wildcard ? " *." : " ") + host.host;
  return name;
}

// Makes one generation out of a configuration.
class Maker {
 public:
  Maker(const config::Draft& draft, const plugin::Registry& plugins, const Serving* serving)
      : config_(draft.config), known_(draft.errors), plugins_(plugins), serving_(serving) {}

  std::shared_ptr<Generation> Make() {
    generation_->config = config_;
    generation_->http = std::make_shared<http::ServerOptions>(HttpOptions(*config_));
    for (std::size_t i = 0; i < config_->listeners.size(); ++i)
      AddListener(config_->listeners[i], fmt::format("listeners[{}]", i));
    for (const auto& [name, backend] : config_->backends) AddBackend(backend);
    for (const config::Route& route : config_->routes) AddRoute(route);
    return std::move(generation_);
  }
  std::vector<ConfigError> TakeErrors() { return std::move(errors_); }

 private:
  static std::string Unique(std::string_view name, std::set<std::string, std::less<>>& taken) {
    std::string unique = stats::UniqueName(name, [&](auto n) { return taken.contains(n); });
    taken.insert(unique);
    return unique;
  }
  bool IsWrong(const std::string& key) const { return config::HasErrorIn(known_, key); }

  template <class Context, class Settings>
  std::shared_ptr<tls::ContextCell<Context>> MakeTls(const Settings& settings,
                                                     const std::string& key) {
    if (IsWrong(key)) return nullptr;
    auto context = Context::Make(settings);
    if (context) return std::make_shared<tls::ContextCell<Context>>(std::move(*context));
    config::AppendAll(errors_, std::move(context.error()));
    return nullptr;
  }

  void AddListener(const config::Listener& listener, const std::string& key) {
    auto record = std::make_shared<ListenerRecord>();
    record->whole = config_;
    record->config = &listener;
    record->name = Unique(listener.address.ToString(), listener_names_);
    if (listener.tls) record->tls = MakeTls<tls::ServerContext>(*listener.tls, key);
    if (serving_ != nullptr) {
      record->row = serving_->registry.Listener(record->name);
      record->connections = LimitOf(nullptr, listener.connections);
    }
    generation_->listeners.push_back(std::move(record));
  }

  void AddBackend(const config::Backend& backend) {
    auto record = std::make_shared<backend::BackendRecord>();
    record->whole = config_;
    record->config = &backend;
    if (UsesTls(backend))
      record->tls = MakeTls<tls::ClientContext>(backend.tls, "backends." + backend.name);
    std::set<std::string, std::less<>> urls;
    for (const config::Server& server : backend.servers) {
      const std::string url = Unique(server.url, urls);
      record->servers.push_back(std::make_shared<backend::ServerRecord>(
          backend.name, url,
          serving_ != nullptr ? serving_->registry.Server(backend.name, url) : nullptr));
    }
    generation_->backends.emplace(backend.name, std::move(record));
  }

  void AddRoute(const config::Route& route) {
    auto record = std::make_shared<RouteRecord>();
    record->whole = config_;
    record->config = &route;
    record->name = Unique(NameOf(route), route_names_);
    const bool wrong = IsWrong(fmt::format("routes[{}]", route.index));
    if (route.plugin && !wrong)
      record->service = Owned(MakeService(*config_, route, plugins_, errors_));
    if (route.backend) {
      const auto backend = generation_->backends.find(*route.backend);
      if (backend != generation_->backends.end()) record->backend = backend->second;
    }
    if (serving_ != nullptr) {
      record->row = serving_->registry.Route(record->name);
      record->sessions = LimitOf(nullptr, route.limits.sessions);
    }
    generation_->routes.push_back(std::move(record));
  }

  // A limit that was counted under before goes on.
  static std::shared_ptr<SharedLimit> LimitOf(std::shared_ptr<SharedLimit> before,
                                              std::uint64_t most) {
    if (!before) before = std::make_shared<SharedLimit>();
    before->SetMost(most == 0 ? SharedLimit::kNone : most);
    return before;
  }

  // Instances borrow their service: it goes when every loop has let go of its own.
  std::shared_ptr<const plugin::Service> Owned(std::unique_ptr<plugin::Service> service) const {
    if (!service) return nullptr;
    std::weak_ptr<const Loops> loops;
    if (serving_ != nullptr) loops = serving_->loops;
    // The service borrows its route.
    const auto let_go = [loops, whole = config_](const plugin::Service* unused) {
      const std::shared_ptr<const plugin::Service> last(
          unused, [whole](const plugin::Service* s) { delete s; });
      const auto running = loops.lock();
      if (!running) return;
      for (std::size_t i = 0; i < running->count; ++i)
        running->post(i, [last](upgrade::Gateway& g) { g.routes().DropHost(*last); });
    };
    return std::shared_ptr<const plugin::Service>(service.release(), let_go);
  }

  const std::shared_ptr<const config::Config> config_;
  const std::vector<ConfigError>& known_;
  const plugin::Registry& plugins_;
  const Serving* serving_;
  std::vector<ConfigError> errors_;
  std::shared_ptr<Generation> generation_ = std::make_shared<Generation>();
  std::set<std::string, std::less<>> listener_names_;
  std::set<std::string, std::less<>> route_names_;
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
  return order;
}

stats::Registry::Build BuildInfo() {
  stats::Registry::Build build = LibraryVersions();
  build.emplace(build.begin(), "version", VersionNumber());
  return build;
}

}  // namespace upgate::app
