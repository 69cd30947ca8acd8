#include "gateway/app/command_line_tunnels.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "gateway/app/commands.h"

namespace upgate::app {

namespace {

void AddConnect(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<ConnectArguments>();
  CLI::App* connect = app.add_subcommand(
      "connect", "carry bytes between a WebSocket and standard input and output, or local clients");
  connect->add_option("url", arguments->url, "ws or wss URL of a route to a TCP service")
      ->required()
      ->type_name("URL");
  connect->add_option("local", arguments->local, "-: standard input and output, the default")
      ->type_name("-");
  connect
      ->add_option("-l,--listen", arguments->listen,
                   "local address whose clients get a WebSocket each: host:port or unix:/path; "
                   "without it, standard input and output")
      ->type_name("ADDRESS");
  connect
      ->add_option("--timeout", arguments->timeout,
                   "time limit for the connection and the handshake")
      ->capture_default_str()
      ->type_name("DURATION");
  connect
      ->add_option("-H,--header", arguments->headers,
                   "header of the handshake, 'Name: value'; may be repeated")
      ->allow_extra_args(false)
      ->type_name("HEADER");
  connect
      ->add_option("--subprotocol", arguments->subprotocols,
                   "WebSocket subprotocol to offer; may be repeated")
      ->allow_extra_args(false)
      ->type_name("NAME");
  connect->add_option("--ca", arguments->ca, "trusted certificates (PEM), instead of the system's")
      ->type_name("FILE");
  connect->add_option("--cert", arguments->cert, "client certificate to present (PEM), with --key")
      ->type_name("FILE");
  connect->add_option("--key", arguments->key, "its private key (PEM)")->type_name("FILE");
  connect->add_flag("--insecure", arguments->insecure, "accept any certificate");
  connect->callback([arguments, &exit_code] { exit_code = Connect(*arguments); });
}

void AddRelay(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<RelayArguments>();
  CLI::App* relay = app.add_subcommand(
      "relay", "run a gateway for one server or a token file, without a configuration file");
  relay
      ->add_option("-l,--listen", arguments->listen,
                   "where clients connect: host:port, :port for all addresses, or unix:/path")
      ->required()
      ->type_name("ADDRESS");
  relay
      ->add_option("--to", arguments->to,
                   "server: host:port for TCP, or a tcp, tls, unix, ws, wss, http or https URL")
      ->type_name("URL");
  relay
      ->add_option("--token-file", arguments->token_file,
                   "instead: file or folder with lines of 'token: host:port', as websockify takes; "
                   "the token is the query parameter 'token', or the end of the path")
      ->type_name("FILE");
  relay
      ->add_option("--allow", arguments->allow,
                   "where tokens may lead, such as 10.0.0.0/8:5900-5999; may be repeated. Default: "
                   "every TCP address")
      ->allow_extra_args(false)
      ->type_name("TARGET");
  relay
      ->add_option("--web", arguments->web,
                   "folder of pages to serve; the WebSocket is then at /websockify only")
      ->type_name("DIR");
  relay->add_option("--cert", arguments->cert, "certificate and its chain (PEM), for wss and https")
      ->type_name("FILE");
  relay->add_option("--key", arguments->key, "its private key (PEM)")->type_name("FILE");
  relay
      ->add_option("--allow-origin", arguments->allow_origins,
                   "origin of pages of other sites that may connect; may be repeated")
      ->allow_extra_args(false)
      ->type_name("ORIGIN");
  relay->callback([arguments, &exit_code] { exit_code = Relay(*arguments); });
}

}  // namespace

void AddTunnelCommands(CLI::App& app, int& exit_code) {
  AddConnect(app, exit_code);
  AddRelay(app, exit_code);
}

}  // namespace upgate::app
