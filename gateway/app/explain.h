#pragma once

#include <expected>
#include <string>
#include <vector>

#include "gateway/app/admin_commands.h"
#include "gateway/app/command_url.h"
#include "gateway/app/prepare.h"
#include "gateway/http/message.h"

namespace upgate::app {

// A request as the command line describes it.
struct ExplainSettings {
  std::string config_file;
  std::string url;                   // absolute, or a path, for the first listener
  std::vector<std::string> headers;  // "Name: value"
  std::string method = "GET";
  std::string from = "127.0.0.1";   // the client's address
  std::string listener = {};        // its name or address; empty: as the URL says
  std::string dialect = "rfc6455";  // of the handshake, for a ws or wss URL
  AdminArguments admin = {};        // of the running gateway; without an address, none is asked
};

struct Question {
  CommandUrl url;
  http::Request
      request;  // as a connection would have read it; a WebSocket handshake for ws and wss
  Ip from;
  std::string listener = {};  // empty: as the URL says
  bool live = false;          // the servers are in the state of those of a running gateway
};

// Returns an error for wrong usage: a request that no client could send, or that the connection
// itself would reject.
std::expected<Question, UsageError> ReadQuestion(const ExplainSettings& settings);

// The listener of that name or address; nullptr if there is none.
const config::Listener* FindListener(const config::Config& config, const std::string& named);

struct Explanation {
  const config::Route* route = nullptr;  // of the generation; nullptr: none
  std::string text;                      // whole lines
  std::string location;                  // where the client would be redirected; empty: nowhere
};

// Explains which route the request takes and why, what that route's policies decide, and what the
// answer is. Uses the router and the policies of the gateway; contacts no server.
Explanation Explain(const upgrade::Generation& generation, const Question& question);

}  // namespace upgate::app
