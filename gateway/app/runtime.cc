#include "gateway/app/runtime.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/app/version.h"
#include "gateway/base/text.h"

namespace upgate::app {
namespace {

// nullptr, with errors, when there is no such plugin.
std::unique_ptr<plugin::Service> MakeService(const config::Config& config,
                                             const config::Route& route,
                                             const plugin::Registry& plugins,
                                             std::vector<config::ConfigError>& errors) {
  const plugin::ServiceFactory* factory = plugins.FindService(*route.plugin);
  const std::string key = fmt::format("routes[{}]", route.index);
  if (factory == nullptr) {
    const std::vector<std::string> names = plugins.ServiceNames();
    const std::string_view near = NearestOf(*route.plugin, names);
    errors.push_back({route.plugin_mark, key + ".plugin",
                      near.empty()
                          ? fmt::format("there is no plugin '{}'; there are {}",
                                        config::Excerpt(*route.plugin), fmt::join(names, ", "))
                          : fmt::format("there is no plugin '{}'; did you mean '{}'?",
                                        config::Excerpt(*route.plugin), near)});
    return nullptr;
  }
  return (*factory)({route, config::Field(route.options, key + ".options", errors), config.folder});
}

bool UsesTls(const config::Backend& backend) {
  return std::ranges::any_of(backend.servers,
                             [](const auto& s) { return config::IsSecure(s.scheme); });
}

// Reads the certificates and makes the services of those parts of the configuration that have no
// error in `known`.
Runtime Make(const config::Config& config, const plugin::Registry& plugins,
             const std::vector<config::ConfigError>& known,
             std::vector<config::ConfigError>& errors) {
  Runtime runtime;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& listener = config.listeners[i];
    runtime.server_tls.emplace_back();
    if (!listener.tls || HasErrorIn(known, fmt::format("listeners[{}]", i))) continue;
    auto context = tls::ServerContext::Make(*listener.tls);
    if (context) {
      runtime.server_tls.back() = std::move(*context);
    } else {
      config::AppendAll(errors, std::move(context.error()));
    }
  }
  for (const auto& [name, backend] : config.backends) {
    if (!UsesTls(backend) || HasErrorIn(known, "backends." + name)) continue;
    auto context = tls::ClientContext::Make(backend.tls);
    if (context) {
      runtime.client_tls.emplace(name, std::move(*context));
    } else {
      config::AppendAll(errors, std::move(context.error()));
    }
  }
  for (const auto& route : config.routes) {
    const bool wanted = route.plugin && !HasErrorIn(known, fmt::format("routes[{}]", route.index));
    runtime.services.push_back(wanted ? MakeService(config, route, plugins, errors) : nullptr);
  }
  return runtime;
}

}  // namespace

std::expected<Runtime, std::vector<config::ConfigError>> Prepare(const config::Draft& draft,
                                                                 const plugin::Registry& plugins) {
  if (!draft.config) return std::unexpected(draft.errors);
  std::vector<config::ConfigError> errors = draft.errors;
  std::vector<config::ConfigError> more;
  Runtime runtime = Make(*draft.config, plugins, draft.errors, more);
  config::AppendAll(errors, std::move(more));
  if (!errors.empty()) {
    config::SortByPlace(errors);
    return std::unexpected(std::move(errors));
  }
  runtime.router = std::make_unique<route::Router>(draft.config->routes);
  runtime.config = draft.config;
  return runtime;
}

std::expected<Runtime, std::vector<config::ConfigError>> Prepare(
    std::shared_ptr<const config::Config> config, const plugin::Registry& plugins) {
  return Prepare(config::Draft{std::move(config), {}}, plugins);
}

stats::Names NamesOf(const config::Config& config) {
  stats::Names names;
  names.build = LibraryVersions();
  names.build.emplace(names.build.begin(), "version", VersionNumber());
  for (const auto& listener : config.listeners)
    names.listeners.push_back(listener.address.ToString());
  for (const auto& route : config.routes) {
    std::string name = route.path.written;
    for (const auto& host : route.hosts) name += (host.wildcard ? " *." : " ") + host.host;
    names.routes.push_back(std::move(name));
  }
  names.servers.resize(config.server_count);
  for (const auto& [name, backend] : config.backends) {
    for (const auto& server : backend.servers) names.servers[server.index] = {name, server.url};
  }
  return names;
}

}  // namespace upgate::app
