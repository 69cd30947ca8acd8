#include "gateway/config/mask_secrets.h"
#include "gateway/config/to_value.h"

namespace upgate::config {
namespace {

// Values may be what a client proves itself with.
Value Describe(const std::vector<ValueCondition>& conditions) {
  Value map;
  for (const ValueCondition& condition : conditions)
    Add(map, condition.name, TextValue(condition.written));
  return Masked(std::move(map));
}

void AddUnlessEmpty(Value& map, std::string_view key, Value value) {
  if (!value.items.empty() || !value.members.empty()) Add(map, key, std::move(value));
}

Value Describe(const std::vector<NamedTemplate>& values) {
  Value map;
  for (const NamedTemplate& one : values) Add(map, one.name, TextValue(one.value.written));
  return Masked(std::move(map));
}

Value Describe(const HeaderChanges& changes) {
  Value map;
  AddUnlessEmpty(map, "set", Describe(changes.set));
  AddUnlessEmpty(map, "add", Describe(changes.add));
  AddUnlessEmpty(map, "remove", ValueOf(changes.remove));
  return map;
}

}  // namespace

void AddRewriting(Value& map, const Rewriting& rewriting) {
  if (!rewriting.strip_prefix.empty()) Add(map, "strip_prefix", TextValue(rewriting.strip_prefix));
  if (rewriting.path) {
    Value path;
    if (rewriting.path->regex) Add(path, "regex", TextValue(*rewriting.path->regex));
    Add(path, "to", TextValue(rewriting.path->to.written));
    Add(map, "rewrite_path", std::move(path));
  }
  Add(map, "rewrite_host", ValueOf(rewriting.host));
  Value query;
  AddUnlessEmpty(query, "set", Describe(rewriting.query.set));
  AddUnlessEmpty(query, "remove", ValueOf(rewriting.query.remove));
  AddUnlessEmpty(map, "rewrite_query", std::move(query));
  AddUnlessEmpty(map, "request_headers", Describe(rewriting.request_headers));
  Value certificate;
  certificate.kind = Value::Kind::kSequence;
  if (rewriting.client_cert_headers.client_cert)
    certificate.items.push_back(TextValue("client-cert"));
  if (rewriting.client_cert_headers.x_ssl_client)
    certificate.items.push_back(TextValue("x-ssl-client"));
  AddUnlessEmpty(map, "client_cert_headers", std::move(certificate));
  AddUnlessEmpty(map, "response_headers", Describe(rewriting.response_headers));
}

Value ValueOf(const std::vector<Share>& split) {
  return EachOf(split, [](const Share& share) {
    Value map;
    Add(map, "backend", ValueOf(share.backend));
    Add(map, "weight", ValueOf(share.weight));
    return map;
  });
}

Value ValueOf(const Conditions& match) {
  Value map;
  AddUnlessEmpty(map, "methods", ValueOf(match.methods));
  AddUnlessEmpty(map, "headers", Describe(match.headers));
  AddUnlessEmpty(map, "query", Describe(match.query));
  AddUnlessEmpty(map, "cookies", Describe(match.cookies));
  AddUnlessEmpty(map, "subprotocols", ValueOf(match.subprotocols));
  AddUnlessEmpty(map, "clients", EachOf(match.clients, [](const Cidr& block) {
                   return TextValue(block.ToString());
                 }));
  AddUnlessEmpty(map, "listeners", ValueOf(match.listeners));
  Value tls;
  AddUnlessEmpty(tls, "sni", ValueOf(match.sni));
  if (match.tls_version)
    Add(tls, "version", TextValue(*match.tls_version == TlsVersion::kTls12 ? "1.2" : "1.3"));
  AddUnlessEmpty(map, "tls", std::move(tls));
  return map;
}

}  // namespace upgate::config
