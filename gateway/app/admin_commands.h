#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upgate::app {

// The subcommands that use the admin address of a running gateway. Each returns the exit code of
// the process: 0 success, 1 failure, 2 wrong usage. Tables, or the JSON response as it is, go to
// standard output; errors go to standard error.

// How to reach the gateway; common to all these commands.
struct AdminArguments {
  std::string admin;       // host:port, http(s)://host:port or unix:/path; or
  std::string config;      // its configuration file, for admin.address
  std::string token_file;  // the first token is sent; empty: the file of the configuration
  std::string ca;          // PEM file of trusted certificates, instead of the system's
  bool insecure = false;   // accept any certificate
  bool json = false;       // print the response as it is
};

// Selects sessions; empty members match all.
struct SessionChoice {
  std::string route;
  std::string server;
  std::string listener;
  std::string client;
  std::string subprotocol;
  std::string user;
};

struct SessionsArguments : SessionChoice {
  std::string sort;
  std::string limit;
  std::string after;
};

struct CloseArguments : SessionChoice {
  std::vector<std::string> ids;  // exclusive with `choice`
  std::string code;
  std::optional<std::string> reason;
  std::string spread;
};

struct DrainArguments {
  std::string server;  // exactly one of the three must be set
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

// The /stats of a gateway as JSON, for the command of that name. Otherwise says why on standard
// error and returns the exit code.
std::expected<std::string, int> FetchStats(std::string_view command, const AdminArguments& admin);

}  // namespace upgate::app
