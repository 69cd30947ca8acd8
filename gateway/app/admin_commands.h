#pragma once

#include <optional>
#include <string>
#include <vector>

namespace upgate::app {

// The subcommands that speak to a gateway that runs, by its admin address. Each returns the
// process's exit code: 0 fine, 1 failed, 2 wrong usage. Tables for people, or the answer as it
// came, go to standard output; errors to standard error.

// Where the gateway is, and how to speak to it; of every such command.
struct AdminArguments {
  std::string admin;       // host:port, http(s)://host:port or unix:/path; or
  std::string config;      // the configuration that it runs by, for its admin.address
  std::string token_file;  // its first token is sent; empty: that of the configuration
  std::string ca;          // certificates to trust for https, in the place of the system's
  bool insecure = false;   // any certificate will do
  bool json = false;       // the answer as it came
};

// Which sessions; empty: any.
struct SessionChoice {
  std::string route;
  std::string server;
  std::string listener;
  std::string client;
  std::string subprotocol;
};

struct SessionsArguments : SessionChoice {
  std::string sort;
  std::string limit;
  std::string after;
};

struct CloseArguments : SessionChoice {
  std::vector<std::string> ids;  // or a choice
  std::string code;
  std::optional<std::string> reason;
  std::string spread;
};

struct DrainArguments {
  std::string server;  // one of these three
  std::string route;
  std::string listener;
  std::string spread;
};

int ReloadGateway(const AdminArguments& admin);
int ListSessions(const AdminArguments& admin, const SessionsArguments& arguments);
int CloseSessions(const AdminArguments& admin, const CloseArguments& arguments);
int DrainPart(const AdminArguments& admin, const DrainArguments& arguments);
int UndrainPart(const AdminArguments& admin, const DrainArguments& arguments);
int ShowStatus(const AdminArguments& admin);

}  // namespace upgate::app
