// `upgate relay`: a gateway for one server, or those of a token file, without a configuration file.
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "gateway/app/commands.h"
#include "gateway/app/file_limit.h"
#include "gateway/app/relay_config.h"
#include "gateway/app/server.h"
#include "gateway/app/standard_streams.h"
#include "gateway/config/parse.h"
#include "plugins/builtins.h"

namespace upgate::app {
namespace {

int RelayFailed(const std::vector<config::ConfigError>& errors) {
  for (const config::ConfigError& error : errors) {
    const std::string argument = ArgumentOf(error.key);
    Print(stderr, "upgate relay: " + (argument.empty() ? error.key : argument) + ": " +
                      error.message + "\n");
  }
  return 1;
}

}  // namespace

int Relay(RelayArguments arguments) {
  if (arguments.cert.empty() != arguments.key.empty()) {
    Print(stderr, "upgate relay: --cert and --key belong together\n");
    return 2;
  }
  if (arguments.to.empty() == arguments.token_file.empty()) {
    Print(stderr, arguments.to.empty()
                      ? "upgate relay: --to is required, or --token-file\n"
                      : "upgate relay: --to and --token-file exclude each other\n");
    return 2;
  }
  if (!arguments.allow.empty() && arguments.token_file.empty()) {
    Print(stderr, "upgate relay: --allow is for --token-file\n");
    return 2;
  }
  // noVNC has no index.html.
  std::error_code ignored;
  const std::filesystem::path web(arguments.web);
  if (!std::filesystem::exists(web / "index.html", ignored) &&
      std::filesystem::exists(web / "vnc.html", ignored))
    arguments.index = "vnc.html";
  plugin::Registry plugins;
  plugins::RegisterBuiltins(plugins);
  // Without a name of its own, it is not read again at SIGHUP; paths are relative to the current
  // folder.
  auto config =
      config::Parse(RelayConfig(arguments), "", [](const char*) -> const char* { return nullptr; });
  if (!config) return RelayFailed(config.error());
  RaiseFileLimit();
  const auto log = MakeStderrLog((*config)->log.level, (*config)->log.format);
  auto server = Server::Open(std::move(*config), plugins, *log);
  if (!server) return RelayFailed(server.error());
  (*server)->Run();
  return 0;
}

}  // namespace upgate::app
