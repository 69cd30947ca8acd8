#include "gateway/app/make_plugins.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/key.h"
#include "gateway/config/resolver_keys.h"

namespace upgate::app {
namespace {

using config::ConfigError;

// Why there is no `what` with a name, with the one that was meant, or all that there are.
std::string NoSuch(std::string_view what, const std::string& name,
                   const std::vector<std::string>& names) {
  const std::string_view near = NearestOf(name, names);
  const std::string written = config::Excerpt(name);
  if (!near.empty())
    return fmt::format("there is no {} '{}'; did you mean '{}'?", what, written, near);
  return fmt::format("there is no {} '{}'; there are {}", what, written, Join(names, ", "));
}

}  // namespace

std::unique_ptr<plugin::Service> MakeService(const config::Config& config,
                                             const config::Route& route,
                                             const plugin::Registry& plugins,
                                             std::vector<ConfigError>& errors) {
  const plugin::ServiceFactory* factory = plugins.FindService(*route.plugin);
  const std::string key = fmt::format("routes[{}]", route.index);
  if (factory == nullptr) {
    errors.push_back({route.plugin_mark, key + ".plugin",
                      NoSuch("plugin", *route.plugin, plugins.ServiceNames())});
    return nullptr;
  }
  return (*factory)({route.path, route.limits,
                     config::Field(route.options, key + ".options", errors), config.folder});
}

std::unique_ptr<plugin::Resolver> MakeResolver(const config::Config& config,
                                               const config::Route& route,
                                               const plugin::Registry& plugins,
                                               std::vector<ConfigError>& errors) {
  const config::Resolver& settings = *route.resolver;
  const plugin::ResolverFactory* factory = plugins.FindResolver(settings.name);
  const std::string key = fmt::format("routes[{}]", route.index);
  if (factory == nullptr) {
    errors.push_back({settings.mark, key + ".resolver",
                      NoSuch("resolver", settings.name, plugins.ResolverNames())});
    return nullptr;
  }
  config::Field options(route.options, key + ".options", errors);
  config::KnowResolverKeys(options);
  return (*factory)({options, config.folder});
}

std::unique_ptr<plugin::AuthCheck> MakeAuth(const config::Config& config,
                                            const config::Authenticator& one,
                                            const plugin::Registry& plugins,
                                            std::vector<ConfigError>& errors) {
  const std::string key = config::MemberKey("auth", one.name);
  const plugin::AuthFactory* factory = plugins.FindAuth(one.kind);
  if (factory == nullptr) {
    errors.push_back(
        {one.mark, key, NoSuch("kind of authenticator", one.kind, plugins.AuthNames())});
    return nullptr;
  }
  return (*factory)(
      {config::Field(one.options, config::MemberKey(key, one.kind), errors), config.folder});
}

}  // namespace upgate::app
