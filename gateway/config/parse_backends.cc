#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

// Names of backends are labels of metrics and parts of paths in statistics.
bool IsName(std::string_view text) {
  const auto allowed = [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
}

// A server is its URL, or a map with a key `url`.
Server ParseServer(Field field, std::size_t index) {
  Server server;
  server.index = index;
  const bool is_map = field.value().kind == Value::Kind::kMap;
  const Field url = is_map ? field["url"] : field;
  auto parsed = url.Required<ServerUrl>();
  if (is_map) field.RejectUnknownKeys();
  server.scheme = parsed.scheme;
  server.address = std::move(parsed.address);
  server.url = url.value().scalar;
  server.mark = url.mark();
  return server;
}

ClientTls ParseClientTls(Field field, const std::filesystem::path& folder) {
  ClientTls tls;
  tls.verify = field["verify"].Optional(tls.verify);
  if (const Field ca = field["ca"]; ca.present()) tls.ca = ParseFilePath(ca, folder);
  if (const auto name = field["server_name"].Maybe<HostName>()) tls.server_name = name->text;
  if (const Field own = field["certificate"]; own.present())
    tls.certificate = ParseCertificate(own, folder);
  field.RejectUnknownKeys();
  return tls;
}

Backend ParseBackend(Field::Member& member, const std::filesystem::path& folder,
                     std::size_t& server_count) {
  Field& field = member.field;
  Backend backend;
  backend.name = member.name;
  backend.mark = member.mark;
  for (const Field& item : field["servers"].RequiredItems("one server")) {
    backend.servers.push_back(ParseServer(item, server_count++));
  }
  backend.connect_timeout =
      field["connect_timeout"].Optional(backend.connect_timeout, {Millis{1}, Millis{600'000}});
  if (const Field tls = field["tls"]; tls.present()) {
    backend.tls = ParseClientTls(tls, folder);
    const bool used = std::ranges::find(backend.servers, ServerScheme::kTls, &Server::scheme) !=
                      backend.servers.end();
    if (!used) tls.Error("has no effect: no server of this backend begins with tls://");
  }
  field.RejectUnknownKeys();
  return backend;
}

}  // namespace

std::map<std::string, Backend> ParseBackends(const Field& field,
                                             const std::filesystem::path& folder) {
  std::map<std::string, Backend> backends;
  std::size_t server_count = 0;
  for (Field::Member& member : field.Members()) {
    if (!IsName(member.name)) {
      member.field.ErrorAt(
          member.mark, "is no name for a backend; use 1 to 64 letters, digits, '-', '_' and '.'");
    }
    backends.emplace(member.name, ParseBackend(member, folder, server_count));
  }
  return backends;
}

}  // namespace upgate::config
