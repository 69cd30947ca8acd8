#pragma once

#include <expected>
#include <string>
#include <vector>

#include "gateway/app/command_url.h"
#include "gateway/app/prepare.h"
#include "gateway/http/message.h"

namespace upgate::app {

// A request as the command line describes it.
struct ExplainSettings {
  std::string config_file;
  std::string url;                   // absolute, or a path: then for the first listener
  std::vector<std::string> headers;  // "Name: value"
  std::string method = "GET";
  std::string from = "127.0.0.1";   // the client's address
  std::string dialect = "rfc6455";  // of the handshake that a ws or wss URL stands for
};

struct Question {
  CommandUrl url;
  http::Request
      request;  // as a connection would have read it; a WebSocket handshake for ws and wss
  Ip from;
};

// The error is for wrong usage: what no client could send, or what the connection itself would turn
// down.
std::expected<Question, UsageError> ReadQuestion(const ExplainSettings& settings);

struct Explanation {
  bool routed = false;
  std::string text;      // whole lines
  std::string location;  // where the client would be sent; empty: nowhere
};

// Which route the request would take and why, what that route's policies say to it, and what the
// answer would be. Asks the router and the policies that serve; touches no server.
Explanation Explain(const upgrade::Generation& generation, const Question& question);

}  // namespace upgate::app
