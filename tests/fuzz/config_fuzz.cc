// Configurations: any text is either a configuration from which a router can be built, or a list of
// errors, each with a position in the text. Input: the text.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>

#include "gateway/base/text.h"
#include "gateway/config/parse.h"
#include "gateway/route/router.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::config {
namespace {

using fuzz::Require;

constexpr std::size_t kMostErrors = 100;

const char* FuzzEnvironment(const char* name) {
  if (std::strcmp(name, "HOST") == 0) return "db.example";
  if (std::strcmp(name, "EMPTY") == 0) return "";
  if (std::strcmp(name, "YAML") == 0) return "x: [1";
  return nullptr;
}

// A position in the text, or the line after the last one if something is missing.
void CheckMark(const Mark& mark, std::string_view text) {
  Require(mark.line >= 1 &&
          mark.line <= 2 + std::ranges::count(text, '\n') + std::ranges::count(text, '\r'));
  Require(mark.column >= 1 && static_cast<std::size_t>(mark.column) <= text.size() + 1);
}

void CheckErrors(const std::vector<ConfigError>& errors, std::string_view text) {
  Require(!errors.empty() && errors.size() <= kMostErrors);
  for (const ConfigError& error : errors) {
    CheckMark(error.mark, text);
    Require(!error.message.empty());
    Require(std::ranges::none_of(ToString("upgate.yaml", error), IsControl));
  }
  Require(std::ranges::is_sorted(
      errors, {}, [](const ConfigError& e) { return std::tuple(e.mark.line, e.mark.column); }));
}

void CheckConfig(const Config& config) {
  Require(!config.listeners.empty() && !config.routes.empty());
  for (const Route& route : config.routes) {
    Require(route.backend.has_value() != route.plugin.has_value());
    if (route.backend) Require(config.backends.contains(*route.backend));
  }
  const route::Router router(config.routes);
  for (const Route& route : config.routes) {
    const std::string host = route.hosts.empty()
                                 ? "a.test"
                                 : (route.hosts[0].wildcard ? "x." : "") + route.hosts[0].host;
    const Route* found = router.Find(host, route.path.text.empty() ? "/" : route.path.text);
    if (route.path.kind == PathPattern::Kind::kExact && route.match.empty())
      Require(found != nullptr);
  }
}

}  // namespace
}  // namespace upgate::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = config::Parse(text, "/etc/upgate/upgate.yaml", config::FuzzEnvironment);
  if (config) {
    config::CheckConfig(**config);
  } else {
    config::CheckErrors(config.error(), text);
  }
  return 0;
}
