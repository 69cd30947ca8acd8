#include "tests/unit/config/parsing.h"

#include <gtest/gtest.h>

#include "gateway/config/parse.h"

namespace upgate::config {
namespace {

constexpr std::string_view kListeners = "listeners: [ { address: 127.0.0.1:8080 } ]\n";
constexpr std::string_view kBackends = "backends: { app: { servers: [ tcp://app:1 ] } }\n";
constexpr std::string_view kRoutes = "routes: [ { path: /*, backend: app } ]\n";

std::string Joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) text += part;
  return text;
}

}  // namespace

const char* TestEnvironment(const char* name) {
  const std::string_view wanted = name;
  if (wanted == "HOST") return "db.example";
  if (wanted == "PORT") return "5432";
  if (wanted == "EMPTY") return "";
  if (wanted == "YAML") return "x: [1]";
  return nullptr;
}

std::string Written(const std::vector<ConfigError>& errors) {
  std::string text;
  for (const ConfigError& error : errors) text += ToString("", error) + "\n";
  return text;
}

std::string ErrorsOf(std::string_view text) {
  const auto config = Parse(text, "/etc/upgate/upgate.yaml", TestEnvironment);
  return config ? "" : Written(config.error());
}

std::shared_ptr<const Config> Parsed(std::string_view text) {
  auto config = Parse(text, "/etc/upgate/upgate.yaml", TestEnvironment);
  if (config) return *config;
  ADD_FAILURE() << Written(config.error());
  return std::make_shared<Config>();
}

std::string ErrorsOfTop(std::string_view lines) {
  return ErrorsOf(Joined({lines, "\n", kListeners, kBackends, kRoutes}));
}

std::string ErrorsOfListener(std::string_view lines) {
  return ErrorsOf(Joined({"listeners:\n  -\n", lines, "\n", kBackends, kRoutes}));
}

std::string ErrorsOfBackend(std::string_view lines) {
  return ErrorsOf(Joined({"backends:\n  app:\n", lines, "\n", kListeners, kRoutes}));
}

std::string ErrorsOfRoute(std::string_view lines) {
  return ErrorsOf(Joined({"routes:\n  -\n", lines, "\n", kListeners, kBackends}));
}

}  // namespace upgate::config
