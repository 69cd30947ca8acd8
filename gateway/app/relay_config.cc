#include "gateway/app/relay_config.h"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/json.h"

namespace upgate::app {
namespace {

// A double-quoted scalar of YAML. `$` begins no variable.
std::string Quote(std::string_view text) {
  std::string plain(text);
  for (std::size_t at = 0; (at = plain.find("${", at)) != std::string::npos; at += 3)
    plain.insert(at, "$");
  return DumpJson(plain);
}

// ":6080" is every address, IPv6 and IPv4.
std::string Everywhere(const std::string& listen) {
  return listen.starts_with(':') ? "[::]" + listen : listen;
}

std::string UrlOf(const std::string& to) {
  return to.find("://") == std::string::npos && !to.starts_with("unix:") ? "tcp://" + to : to;
}

std::string ListOf(const std::vector<std::string>& items) {
  std::string list;
  for (const std::string& item : items) list += (list.empty() ? "" : ", ") + Quote(item);
  return "[ " + list + " ]";
}

// The token is a parameter of the query or, without one, the rest of the path, as with websockify.
// Whoever writes the file says where tokens lead.
std::string Resolver(const RelayArguments& arguments) {
  const std::vector<std::string> everywhere{"0.0.0.0/0:1-65535", "[::/0]:1-65535"};
  return fmt::format(
      "resolver: token_file\n    options:\n      file: {}\n"
      "      from: [ \"query:token\", path ]\n      allow: {}",
      Quote(arguments.token_file), ListOf(arguments.allow.empty() ? everywhere : arguments.allow));
}

std::string Cors(const std::vector<std::string>& origins) {
  if (origins.empty()) return "";
  return fmt::format("\n    cors: {{ allow_origins: {} }}", ListOf(origins));
}

}  // namespace

std::string RelayConfig(const RelayArguments& arguments) {
  std::string text =
      fmt::format("listeners:\n  - address: {}\n", Quote(Everywhere(arguments.listen)));
  if (!arguments.cert.empty() || !arguments.key.empty()) {
    text += fmt::format("    tls: {{ certificates: [ {{ cert: {}, key: {} }} ] }}\n",
                        Quote(arguments.cert), Quote(arguments.key));
  }
  const bool by_token = !arguments.token_file.empty();
  if (!by_token)
    text += fmt::format("backends:\n  server: {{ servers: [ {} ] }}\n", Quote(UrlOf(arguments.to)));
  // With pages, the WebSocket is where websockify's clients look for it by default.
  text += fmt::format("routes:\n  - path: {}\n    {}{}\n",
                      arguments.web.empty() ? "/*"
                      : by_token            ? "/websockify/*"
                                            : "/websockify",
                      by_token ? Resolver(arguments) : "backend: server",
                      Cors(arguments.allow_origins));
  if (!arguments.web.empty()) {
    text += fmt::format("  - {{ path: /*, plugin: files, options: {{ root: {}, index: {} }} }}\n",
                        Quote(arguments.web), Quote(arguments.index));
  }
  return text;
}

std::string ArgumentOf(const std::string& key) {
  // The first that fits.
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kArguments{{
      {"listeners[0].tls.certificates[0].cert", "--cert"},
      {"listeners[0].tls.certificates[0].key", "--key"},
      {"listeners[0].tls", "--cert"},
      {"listeners", "--listen"},
      {"backends", "--to"},
      {"routes[0].cors", "--allow-origin"},
      {"routes[0].options.allow", "--allow"},
      {"routes[0].options", "--token-file"},
      {"routes[1]", "--web"},
  }};
  for (const auto& [prefix, argument] : kArguments) {
    if (key.starts_with(prefix)) return std::string(argument);
  }
  return "";
}

}  // namespace upgate::app
