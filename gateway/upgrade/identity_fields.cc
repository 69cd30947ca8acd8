#include "gateway/upgrade/identity_fields.h"

#include <algorithm>
#include <initializer_list>

#include "gateway/http/proxy_fields.h"
#include "gateway/upgrade/certificate_fields.h"

namespace upgate::upgrade {
namespace {

using Variable = config::Template::Variable;

bool Has(const config::Template& text, std::initializer_list<Variable> some) {
  return std::ranges::any_of(text.parts, [&](const auto& part) {
    return std::ranges::find(some, part.variable) != some.end();
  });
}

// What only proxies may say is dropped from others anyway, and read where it comes from them.
bool TellsClient(const config::NamedTemplate& field) {
  return Has(field.value, {Variable::kUser, Variable::kClaim}) ||
         (!http::IsProxyField(field.name) &&
          Has(field.value, {Variable::kClient, Variable::kClientPort, Variable::kServerName}));
}

void AddOf(const config::Route& route, std::vector<std::string>& names) {
  const auto add = [&](const std::vector<config::NamedTemplate>& fields) {
    for (const config::NamedTemplate& field : fields) {
      if (TellsClient(field)) names.push_back(http::AsVariable(field.name));
    }
  };
  add(route.rewriting.request_headers.set);
  add(route.rewriting.request_headers.add);
  http::FieldChanges certificate;
  AddCertificateFields(route.rewriting.client_cert_headers, nullptr, certificate);
  names.insert(names.end(), certificate.drop.begin(), certificate.drop.end());
}

}  // namespace

std::vector<std::string> IdentityFieldsOf(const Generation& generation) {
  std::vector<std::string> names;
  for (const config::Route& route : generation.config->routes) AddOf(route, names);
  for (const auto& [name, auth] : generation.auth) {
    for (const std::string& field : auth->check->server_fields())
      names.push_back(http::AsVariable(field));
  }
  std::erase_if(names,
                [](const auto& name) { return name == "authorization" || name == "cookie"; });
  std::ranges::sort(names);
  const auto again = std::ranges::unique(names);
  names.erase(again.begin(), again.end());
  return names;
}

}  // namespace upgate::upgrade
