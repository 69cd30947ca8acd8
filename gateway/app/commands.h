#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/app/explain.h"

namespace upgate::app {

// The subcommands. Each returns the process's exit code: 0 fine, 1 failed, 2 wrong usage. Logs and
// errors go to standard error, answers to standard output.

int Run(const std::string& config_file);
// `listen`: also tries to listen on the addresses.
int Check(const std::string& config_file, bool listen);
int Version();

// 0 when there is a route, also one that turns the request down; 1 when there is none.
int Explain(const ExplainSettings& settings);

struct ProbeArguments {
  std::string url;                   // absolute
  std::string timeout = "5s";        // of everything
  std::vector<std::string> headers;  // "Name: value"
  std::string subprotocol;           // empty: none is asked for
  std::string host;  // name[:port] in the place of the URL's, for Host and the certificate; empty:
                     // the URL's
  std::string ca;    // a file; empty: what the system trusts
  bool insecure = false;  // any certificate will do
};
// One line either way: to standard output when the server works, to standard error with the reason
// when it does not.
int ProbeServer(const ProbeArguments& arguments);

struct DemoSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;       // 0: the system chooses
  std::uint16_t tls_port = 8443;   // 0: the system chooses
  std::string program = "upgate";  // how this program was called, for the commands that it names
};
int Demo(const DemoSettings& settings);

}  // namespace upgate::app
