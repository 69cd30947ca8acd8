#pragma once

#include <cstdint>
#include <string>

namespace upgate::app {

// The subcommands. Each returns the process's exit code: 0 fine, 1 failed. Logs and errors go to standard error, answers to
// standard output.

int Run(const std::string& config_file);
int Check(const std::string& config_file);
int Version();

struct DemoSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;      // 0: the system chooses
  std::uint16_t tls_port = 8443;  // 0: the system chooses
};
int Demo(const DemoSettings& settings);

}  // namespace upgate::app
