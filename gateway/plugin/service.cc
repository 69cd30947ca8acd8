#include "gateway/plugin/service.h"

#include <cassert>
#include <utility>

namespace upgate::plugin {

std::unique_ptr<http::ExchangeHandler> Instance::OnRequest(http::Exchange&) {
  return nullptr;
}

std::unique_ptr<SocketHandler> Instance::OnSocket(Socket&) {
  return nullptr;
}

void Registry::AddService(std::string name, ServiceFactory factory) {
  [[maybe_unused]] const auto [it, added] = services_.emplace(std::move(name), std::move(factory));
  assert(added && "a service is registered once");
}

const ServiceFactory* Registry::FindService(std::string_view name) const {
  const auto it = services_.find(name);
  return it == services_.end() ? nullptr : &it->second;
}

std::vector<std::string> Registry::ServiceNames() const {
  std::vector<std::string> names;
  for (const auto& [name, factory] : services_) names.push_back(name);
  return names;
}

void Registry::AddResolver(std::string name, ResolverFactory factory) {
  [[maybe_unused]] const auto [it, added] = resolvers_.emplace(std::move(name), std::move(factory));
  assert(added && "a resolver is registered once");
}

const ResolverFactory* Registry::FindResolver(std::string_view name) const {
  const auto it = resolvers_.find(name);
  return it == resolvers_.end() ? nullptr : &it->second;
}

std::vector<std::string> Registry::ResolverNames() const {
  std::vector<std::string> names;
  for (const auto& [name, factory] : resolvers_) names.push_back(name);
  return names;
}

void Registry::AddAuth(std::string name, AuthFactory factory) {
  [[maybe_unused]] const auto [it, added] = auth_.emplace(std::move(name), std::move(factory));
  assert(added && "an authenticator is registered once");
}

const AuthFactory* Registry::FindAuth(std::string_view name) const {
  const auto it = auth_.find(name);
  return it == auth_.end() ? nullptr : &it->second;
}

std::vector<std::string> Registry::AuthNames() const {
  std::vector<std::string> names;
  for (const auto& [name, factory] : auth_) names.push_back(name);
  return names;
}

void RejectOptions(const config::Field& options, std::string_view service) {
  const config::Value& value = options.value();
  if (value.kind == config::Value::Kind::kMap && value.members.empty()) return;
  options.Error("the service '" + std::string(service) + "' takes no options; remove the key");
}

}  // namespace upgate::plugin
