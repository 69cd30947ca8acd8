#include "gateway/app/command_line_admin.h"

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "gateway/app/admin_commands.h"

namespace upgate::app {
namespace {

// The variables that the callbacks use; kept alive by them.
struct AdminFlags {
  AdminArguments admin;
  SessionsArguments sessions;
  CloseArguments close;
  DrainArguments drain;
};
using Shared = std::shared_ptr<AdminFlags>;

CLI::App* Add(CLI::App& app, const Shared& arguments, const char* name, const char* what) {
  CLI::App* command = app.add_subcommand(name, what);
  AdminArguments& admin = arguments->admin;
  command
      ->add_option("--admin", admin.admin,
                   "admin address of the gateway: host:port, http(s)://host:port or unix:/path")
      ->type_name("ADDRESS");
  command
      ->add_option("-c,--config", admin.config,
                   "configuration file of the gateway, for its admin.address")
      ->type_name("FILE");
  command
      ->add_option("--token-file", admin.token_file,
                   "file whose first token is sent; default: token_file of the configuration")
      ->type_name("FILE");
  command
      ->add_option("--ca", admin.ca,
                   "trusted certificates (PEM) for https, instead of the system's")
      ->type_name("FILE");
  command->add_flag("--insecure", admin.insecure, "accept any certificate");
  command->add_flag("--json", admin.json, "print the JSON response as it is");
  return command;
}

void AddChoice(CLI::App* command, SessionChoice& choice) {
  command->add_option("--route", choice.route, "sessions of this route")->type_name("NAME");
  command->add_option("--server", choice.server, "sessions with this server, or plugin:NAME")
      ->type_name("URL");
  command->add_option("--listener", choice.listener, "sessions of this listener")
      ->type_name("ADDRESS");
  command->add_option("--client", choice.client, "sessions of this address or block")
      ->type_name("CIDR");
  command->add_option("--subprotocol", choice.subprotocol, "sessions with this subprotocol")
      ->type_name("NAME");
  command->add_option("--user", choice.user, "sessions of this user")->type_name("NAME");
}

void AddSpread(CLI::App* command, std::string& spread, const char* what) {
  command->add_option("--spread", spread, what)->type_name("DURATION");
}

void AddSessions(CLI::App& app, const Shared& arguments, int& exit_code) {
  CLI::App* command = Add(app, arguments, "sessions", "list the open sessions of a gateway");
  SessionsArguments& sessions = arguments->sessions;
  AddChoice(command, sessions);
  command->add_option("--sort", sessions.sort, "id, bytes, age or idle")->type_name("KEY");
  command->add_option("--limit", sessions.limit, "how many, at most 1000")->type_name("N");
  command->add_option("--after", sessions.after, "cursor of the next page, from the previous one")
      ->type_name("CURSOR");
  command->callback(
      [arguments, &exit_code] { exit_code = ListSessions(arguments->admin, arguments->sessions); });
}

void AddClose(CLI::App& app, const Shared& arguments, int& exit_code) {
  CLI::App* command = Add(app, arguments, "close", "close sessions of a gateway");
  CloseArguments& close = arguments->close;
  command->add_option("id", close.ids, "ids of sessions, as `upgate sessions` lists them")
      ->type_name("ID");
  AddChoice(command, close);
  command->add_option("--code", close.code, "close code; default: 1008")->type_name("CODE");
  command->add_option("--reason", close.reason, "text for the clients, at most 123 bytes")
      ->type_name("TEXT");
  AddSpread(command, close.spread, "spread the closes over this time");
  command->callback(
      [arguments, &exit_code] { exit_code = CloseSessions(arguments->admin, arguments->close); });
}

void AddDrain(CLI::App& app, const Shared& arguments, bool drain, int& exit_code) {
  CLI::App* command =
      drain ? Add(app, arguments, "drain", "take a server, route or listener out of service")
            : Add(app, arguments, "undrain", "put a server, route or listener back into service");
  DrainArguments& what = arguments->drain;
  command->add_option("--server", what.server, "URL of the server")->type_name("URL");
  command->add_option("--route", what.route, "name of the route")->type_name("NAME");
  command->add_option("--listener", what.listener, "address of the listener")->type_name("ADDRESS");
  if (drain)
    AddSpread(command, what.spread,
              "spread the closes of its sessions over this time; default: drain_spread");
  command->callback([arguments, drain, &exit_code] {
    exit_code = drain ? DrainPart(arguments->admin, arguments->drain)
                      : UndrainPart(arguments->admin, arguments->drain);
  });
}

}  // namespace

void AddAdminCommands(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<AdminFlags>();
  Add(app, arguments, "reload", "make a gateway reload its configuration")
      ->callback([arguments, &exit_code] { exit_code = ReloadGateway(arguments->admin); });
  Add(app, arguments, "status", "show the status of a gateway")->callback([arguments, &exit_code] {
    exit_code = ShowStatus(arguments->admin);
  });
  AddSessions(app, arguments, exit_code);
  AddClose(app, arguments, exit_code);
  AddDrain(app, arguments, true, exit_code);
  AddDrain(app, arguments, false, exit_code);
}

}  // namespace upgate::app
