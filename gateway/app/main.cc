#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "gateway/app/commands.h"
#include "gateway/app/version.h"
#include "gateway/base/text.h"

namespace {

// The first word names a command; CLI11 would only say that one is missing.
int RefuseUnknownCommand(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return 0;
  std::string known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == argv[1]) return 0;
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  std::cerr << "upgate: '" << upgate::Printable(argv[1]) << "' is no command; known: " << known << "\n";
  return 2;
}

}  // namespace

// Flags and exit codes only: 0 fine, 1 failed, 2 wrong usage.
int main(int argc, char** argv) {
  CLI::App app("upgate: HTTP-to-WebSocket reverse proxy and gateway", "upgate");
  app.require_subcommand(1);
  int exit_code = 0;

  std::string config_file;
  const auto add_config = [&](CLI::App* command) {
    command->add_option("-c,--config,config", config_file, "configuration file (YAML)")->required()->type_name("FILE");
  };

  CLI::App* run = app.add_subcommand("run", "serve what the configuration says");
  add_config(run);
  run->callback([&] { exit_code = upgate::app::Run(config_file); });

  CLI::App* check = app.add_subcommand("check", "say everything that is wrong with a configuration");
  add_config(check);
  check->callback([&] { exit_code = upgate::app::Check(config_file); });

  upgate::app::DemoSettings demo_settings;
  CLI::App* demo = app.add_subcommand("demo", "a gateway to try, with an echo server behind it");
  demo->add_option("--host", demo_settings.host, "address to listen on")->capture_default_str();
  demo->add_option("--port", demo_settings.port, "port for ws and http; 0: any")->capture_default_str();
  demo->add_option("--tls-port", demo_settings.tls_port, "port for wss and https; 0: any")->capture_default_str();
  demo->callback([&] { exit_code = upgate::app::Demo(demo_settings); });

  CLI::App* version = app.add_subcommand("version", "version of upgate and of the libraries it runs on");
  version->callback([&] { exit_code = upgate::app::Version(); });

  app.set_version_flag("--version", "upgate " + upgate::app::VersionNumber(), "version of upgate");
  if (const int wrong = RefuseUnknownCommand(app, argc, argv); wrong != 0) return wrong;

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return exit_code;
}
