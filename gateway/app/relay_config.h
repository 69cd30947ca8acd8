#pragma once

#include <string>
#include <vector>

namespace upgate::app {

// What `upgate relay` is asked for.
struct RelayArguments {
  std::string listen = {};      // host:port, :port for all addresses, or unix:/path
  std::string to = {};          // URL of a server, or host:port for TCP; or
  std::string token_file = {};  // file or folder of targets by token; exactly one of the two
  std::vector<std::string> allow = {};  // where tokens may lead; empty: to every TCP address
  std::string web = {};                 // folder of pages; empty: none
  std::string index = "index.html";     // the page of a folder in it
  std::string cert = {};                // PEM files for TLS; both or none
  std::string key = {};
  std::vector<std::string> allow_origins = {};  // pages of other sites that may connect
};

// The configuration that these arguments stand for. Pure; what is wrong with them is left to the
// parser of configurations, whose errors name the key: see ArgumentOf.
std::string RelayConfig(const RelayArguments& arguments);

// The argument that a key of that configuration comes from: "--to" for "backends.server.servers".
// Empty for a key that does not come from one.
std::string ArgumentOf(const std::string& key);

}  // namespace upgate::app
