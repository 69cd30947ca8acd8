#include "gateway/app/command_line.h"

#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "gateway/app/command_line_admin.h"
#include "gateway/app/command_line_tunnels.h"
#include "gateway/app/commands.h"
#include "gateway/app/standard_streams.h"
#include "gateway/app/version.h"
#include "gateway/base/text.h"

namespace upgate::app {
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
  std::cerr << "upgate: unknown command '" << Printable(argv[1]) << "'; known: " << known << "\n";
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

// The variables that the commands' options set.
struct Arguments {
  std::string config_file;
  bool skip_listening = false;
  ExplainSettings explain;
  ProbeArguments probe;
  DemoSettings demo;
};

// With or without the flag. CLI11 would show an option with two names as required twice.
void AddConfig(CLI::App* command, std::string& file) {
  command
      ->add_option("-c,--config,config", file,
                   "configuration file (YAML), required; -: standard input")
      ->type_name("FILE");
}

void Require(const std::string& config_file) {
  if (config_file.empty()) throw CLI::RequiredError("a configuration file, FILE or --config FILE,");
}

void AddRun(CLI::App& app, Arguments& arguments, int& exit_code) {
  CLI::App* run = app.add_subcommand("run", "run the gateway");
  AddConfig(run, arguments.config_file);
  run->callback([&] {
    Require(arguments.config_file);
    exit_code = Run(arguments.config_file);
  });
}

void AddCheck(CLI::App& app, Arguments& arguments, int& exit_code) {
  CLI::App* check = app.add_subcommand("check", "report all errors in a configuration");
  AddConfig(check, arguments.config_file);
  check->add_flag("--no-listen", arguments.skip_listening,
                  "do not check the addresses: the service manager holds the sockets");
  check->callback([&] {
    Require(arguments.config_file);
    exit_code = Check(arguments.config_file, !arguments.skip_listening);
  });
}

void AddExplain(CLI::App& app, ExplainSettings& settings, int& exit_code) {
  CLI::App* explain =
      app.add_subcommand("explain", "show which route a request would take, and why");
  // Not AddConfig: the URL is the one thing without a flag.
  explain
      ->add_option("-c,--config", settings.config_file,
                   "configuration file (YAML); -: standard input")
      ->required()
      ->type_name("FILE");
  explain->add_option("url", settings.url, "ws, wss, http or https URL, or a path")
      ->required()
      ->type_name("URL");
  explain
      ->add_option("-H,--header", settings.headers,
                   "header of the request, 'Name: value'; may be repeated")
      ->allow_extra_args(false)
      ->type_name("HEADER");
  explain->add_option("-X,--method", settings.method, "method of the request")
      ->capture_default_str()
      ->type_name("METHOD");
  explain
      ->add_option("--dialect", settings.dialect,
                   "WebSocket dialect of the client: rfc6455, hybi08, hixie76 or hixie75")
      ->capture_default_str()
      ->type_name("NAME");
  explain->add_option("--from,--client", settings.from, "IP address of the client")
      ->capture_default_str()
      ->type_name("ADDRESS");
  explain
      ->add_option("--listener", settings.listener,
                   "listener that the client comes to, by its name or address")
      ->type_name("LISTENER");
  explain
      ->add_option("--admin", settings.admin.admin,
                   "admin address of the running gateway, for the state of its servers: host:port, "
                   "http(s)://host:port or unix:/path")
      ->type_name("ADDRESS");
  explain
      ->add_option("--token-file", settings.admin.token_file,
                   "file with the token of the admin address")
      ->type_name("FILE");
  explain
      ->add_option("--ca", settings.admin.ca,
                   "trusted certificates (PEM) for the admin address, instead of the system's")
      ->type_name("FILE");
  explain->add_flag("--insecure", settings.admin.insecure,
                    "accept any certificate of the admin address");
  explain->callback([&] { exit_code = Explain(settings); });
}

void AddProbe(CLI::App& app, ProbeArguments& arguments, int& exit_code) {
  CLI::App* probe =
      app.add_subcommand("probe", "check once whether a server works; for health checks");
  probe->add_option("url", arguments.url, "ws or wss URL: handshake and ping; http or https: GET")
      ->required()
      ->type_name("URL");
  probe->add_option("--timeout", arguments.timeout, "time limit for the whole probe")
      ->capture_default_str()
      ->type_name("DURATION");
  probe
      ->add_option("-H,--header", arguments.headers,
                   "header of the request, 'Name: value'; may be repeated")
      ->allow_extra_args(false)
      ->type_name("HEADER");
  probe->add_option("--subprotocol", arguments.subprotocol, "WebSocket subprotocol to request")
      ->type_name("NAME");
  probe
      ->add_option("--host", arguments.host,
                   "host in the Host header and the certificate, instead of the URL's")
      ->type_name("NAME");
  probe->add_option("--ca", arguments.ca, "trusted certificates (PEM), instead of the system's")
      ->type_name("FILE");
  probe->add_flag("--insecure", arguments.insecure, "accept any certificate");
  probe->callback([&] { exit_code = ProbeServer(arguments); });
}

void AddDemo(CLI::App& app, DemoSettings& settings, int& exit_code) {
  CLI::App* demo = app.add_subcommand(
      "demo", "run a demo gateway, with servers behind it and a page to try them");
  demo->add_option("--host", settings.host, "address to listen on")->capture_default_str();
  CLI::Range any_port(0, 65535);
  any_port.description("");
  demo->add_option("--port", settings.port, "port for ws and http; 0: any")
      ->check(any_port)
      ->capture_default_str()
      ->type_name("PORT");
  demo->add_option("--tls-port", settings.tls_port, "port for wss and https; 0: any")
      ->check(any_port)
      ->capture_default_str()
      ->type_name("PORT");
  demo->callback([&] { exit_code = Demo(settings); });
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  PrepareStandardStreams();
  CLI::App app("upgate: HTTP-to-WebSocket reverse proxy and gateway", "upgate");
  app.require_subcommand(1);
  int exit_code = 0;
  Arguments arguments;
  arguments.demo.program = argv[0];
  AddRun(app, arguments, exit_code);
  AddCheck(app, arguments, exit_code);
  AddExplain(app, arguments.explain, exit_code);
  AddProbe(app, arguments.probe, exit_code);
  AddTunnelCommands(app, exit_code);
  AddDemo(app, arguments.demo, exit_code);
  AddAdminCommands(app, exit_code);
  CLI::App* version =
      app.add_subcommand("version", "print the versions of upgate and its libraries");
  version->callback([&] { exit_code = Version(); });

  app.set_version_flag("--version", "upgate " + VersionNumber(), "version of upgate");
  if (const int wrong = RefuseUnknownCommand(app, argc, argv); wrong != 0) return wrong;

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = Conclude(app, error);
  }
  return FinishOutput(exit_code);
}

}  // namespace upgate::app
