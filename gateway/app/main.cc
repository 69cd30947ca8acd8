#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "gateway/app/commands.h"
#include "gateway/app/main_admin.h"
#include "gateway/app/main_tunnels.h"
#include "gateway/app/standard_streams.h"
#include "gateway/app/version.h"
#include "gateway/base/text.h"

namespace {

// Reports an unknown command; CLI11 would only say that a command is missing.
int RefuseUnknownCommand(const CLI::App& app, int argc, char** argv) {
  if (argc < 2) {
    std::cerr << app.help();
    return 2;
  }
  if (argv[1][0] == '-') return 0;
  std::string known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == argv[1]) return 0;
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  std::cerr << "upgate: unknown command '" << upgate::Printable(argv[1]) << "'; known: " << known
            << "\n";
  return 2;
}

// Prints help to standard output, and errors to standard error, after the name of the command that
// they are about.
int Conclude(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  const auto commands = app.get_subcommands();
  const std::string name = commands.empty() ? "upgate" : "upgate " + commands.front()->get_name();
  std::cerr << name << ": " << error.what() << "; see " << name << " --help\n";
  return 2;
}

}  // namespace

// Flags and exit codes only: 0 success, 1 failure, 2 wrong usage.
int main(int argc, char** argv) {
  upgate::app::PrepareStandardStreams();
  CLI::App app("upgate: HTTP-to-WebSocket reverse proxy and gateway", "upgate");
  app.require_subcommand(1);
  int exit_code = 0;

  std::string config_file;
  const auto add_config = [&](CLI::App* command) {
    command
        ->add_option("-c,--config,config", config_file,
                     "configuration file (YAML); -: standard input")
        ->required()
        ->type_name("FILE");
  };

  CLI::App* run = app.add_subcommand("run", "run the gateway");
  add_config(run);
  run->callback([&] { exit_code = upgate::app::Run(config_file); });

  CLI::App* check = app.add_subcommand("check", "report all errors in a configuration");
  add_config(check);
  bool skip_listening = false;
  check->add_flag("--no-listen", skip_listening,
                  "do not check the addresses: the service manager holds the sockets");
  check->callback([&] { exit_code = upgate::app::Check(config_file, !skip_listening); });

  upgate::app::ExplainSettings explain_settings;
  CLI::App* explain =
      app.add_subcommand("explain", "show which route a request would take, and why");
  // Not add_config: the URL is the one thing without a flag.
  explain
      ->add_option("-c,--config", explain_settings.config_file,
                   "configuration file (YAML); -: standard input")
      ->required()
      ->type_name("FILE");
  explain->add_option("url", explain_settings.url, "ws, wss, http or https URL, or a path")
      ->required()
      ->type_name("URL");
  explain
      ->add_option("-H,--header", explain_settings.headers,
                   "header of the request, 'Name: value'; may be repeated")
      ->allow_extra_args(false)
      ->type_name("HEADER");
  explain->add_option("-X,--method", explain_settings.method, "method of the request")
      ->capture_default_str()
      ->type_name("METHOD");
  explain
      ->add_option("--dialect", explain_settings.dialect,
                   "WebSocket dialect of the client: rfc6455, hybi08, hixie76 or hixie75")
      ->capture_default_str()
      ->type_name("NAME");
  explain->add_option("--from,--client", explain_settings.from, "IP address of the client")
      ->capture_default_str()
      ->type_name("ADDRESS");
  explain
      ->add_option("--listener", explain_settings.listener,
                   "listener that the client comes to, by its name or address")
      ->type_name("LISTENER");
  explain
      ->add_option("--admin", explain_settings.admin.admin,
                   "admin address of the running gateway, for the state of its servers: host:port, "
                   "http(s)://host:port or unix:/path")
      ->type_name("ADDRESS");
  explain
      ->add_option("--token-file", explain_settings.admin.token_file,
                   "file with the token of the admin address")
      ->type_name("FILE");
  explain
      ->add_option("--ca", explain_settings.admin.ca,
                   "trusted certificates (PEM) for the admin address, instead of the system's")
      ->type_name("FILE");
  explain->add_flag("--insecure", explain_settings.admin.insecure,
                    "accept any certificate of the admin address");
  explain->callback([&] { exit_code = upgate::app::Explain(explain_settings); });

  upgate::app::ProbeArguments probe_arguments;
  CLI::App* probe =
      app.add_subcommand("probe", "check once whether a server works; for health checks");
  probe
      ->add_option("url", probe_arguments.url,
                   "ws or wss URL: handshake and ping; http or https: GET")
      ->required()
      ->type_name("URL");
  probe->add_option("--timeout", probe_arguments.timeout, "time limit for the whole probe")
      ->capture_default_str()
      ->type_name("DURATION");
  probe
      ->add_option("-H,--header", probe_arguments.headers,
                   "header of the request, 'Name: value'; may be repeated")
      ->allow_extra_args(false)
      ->type_name("HEADER");
  probe
      ->add_option("--subprotocol", probe_arguments.subprotocol, "WebSocket subprotocol to request")
      ->type_name("NAME");
  probe
      ->add_option("--host", probe_arguments.host,
                   "host in the Host header and the certificate, instead of the URL's")
      ->type_name("NAME");
  probe
      ->add_option("--ca", probe_arguments.ca,
                   "trusted certificates (PEM), instead of the system's")
      ->type_name("FILE");
  probe->add_flag("--insecure", probe_arguments.insecure, "accept any certificate");
  probe->callback([&] { exit_code = upgate::app::ProbeServer(probe_arguments); });

  upgate::app::AddTunnelCommands(app, exit_code);

  upgate::app::DemoSettings demo_settings;
  demo_settings.program = argv[0];
  CLI::App* demo = app.add_subcommand(
      "demo", "run a demo gateway, with servers behind it and a page to try them");
  demo->add_option("--host", demo_settings.host, "address to listen on")->capture_default_str();
  CLI::Range any_port(0, 65535);
  any_port.description("");
  demo->add_option("--port", demo_settings.port, "port for ws and http; 0: any")
      ->check(any_port)
      ->capture_default_str()
      ->type_name("PORT");
  demo->add_option("--tls-port", demo_settings.tls_port, "port for wss and https; 0: any")
      ->check(any_port)
      ->capture_default_str()
      ->type_name("PORT");
  demo->callback([&] { exit_code = upgate::app::Demo(demo_settings); });

  upgate::app::AddAdminCommands(app, exit_code);

  CLI::App* version =
      app.add_subcommand("version", "print the versions of upgate and its libraries");
  version->callback([&] { exit_code = upgate::app::Version(); });

  app.set_version_flag("--version", "upgate " + upgate::app::VersionNumber(), "version of upgate");
  if (const int wrong = RefuseUnknownCommand(app, argc, argv); wrong != 0) return wrong;

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = Conclude(app, error);
  }
  return upgate::app::FinishOutput(exit_code);
}
