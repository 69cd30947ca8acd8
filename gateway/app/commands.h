#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/app/explain.h"
#include "gateway/app/relay_config.h"

namespace upgate::app {

// The subcommands. Each returns the exit code of the process: 0 success, 1 failure, 2 wrong usage.
// Logs and errors go to standard error, results to standard output.

int Run(const std::string& config_file);
// `listen`: also check that the addresses can be listened on.
int Check(const std::string& config_file, bool listen);
int Version();

// Returns 0 if a route matches, even if its policies refuse the request; 1 if none does.
int Explain(const ExplainSettings& settings);

struct ProbeArguments {
  std::string url;                   // absolute
  std::string timeout = "5s";        // for the whole probe
  std::vector<std::string> headers;  // "Name: value"
  std::string subprotocol;           // empty: none is requested
  std::string host;       // name[:port] for Host and the certificate; empty: that of the URL
  std::string ca;         // PEM file of trusted certificates; empty: the system's
  bool insecure = false;  // accept any certificate
};
// Prints one line: to standard output if the server works, otherwise to standard error, with the
// reason.
int ProbeServer(const ProbeArguments& arguments);

struct ConnectArguments {
  std::string url;                        // ws or wss
  std::string local;                      // "-" or empty, which mean the same
  std::string listen;                     // host:port or unix:/path; empty: standard streams
  std::string timeout = "10s";            // for a connection and its 101
  std::vector<std::string> headers;       // "Name: value"
  std::vector<std::string> subprotocols;  // to offer
  std::string ca;                         // as for ProbeArguments, as is `insecure`
  std::string cert;                       // PEM files of a client certificate; both or none
  std::string key;
  bool insecure = false;
};
// Carries bytes between a WebSocket and standard input and output, or the clients of a local
// address.
int Connect(const ConnectArguments& arguments);

// A gateway for one server, by arguments in the place of a configuration file.
int Relay(RelayArguments arguments);

struct DemoSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;       // 0: the system chooses
  std::uint16_t tls_port = 8443;   // 0: the system chooses
  std::string program = "upgate";  // how this program was invoked, for the commands that it prints
};
int Demo(const DemoSettings& settings);

}  // namespace upgate::app
