#include "gateway/upgrade/identity_fields.h"

#include <algorithm>

#include "gateway/http/proxy_fields.h"
#include "gateway/upgrade/certificate_fields.h"

namespace upgate::upgrade {
namespace {

bool TellsClient(const config::Template& text) {
  using Variable = config::Template::Variable;
  return std::ranges::any_of(text.parts, [](const auto& part) {
    return part.variable == Variable::kUser || part.variable == Variable::kClaim ||
           part.variable == Variable::kClient || part.variable == Variable::kServerName;
  });
}

void AddOf(const config::Route& route, std::vector<std::string>& names) {
  const auto add = [&](const std::vector<config::NamedTemplate>& fields) {
    for (const config::NamedTemplate& field : fields) {
      if (TellsClient(field.value)) names.push_back(http::AsVariable(field.name));
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
