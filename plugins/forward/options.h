#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/plugin/auth.h"
#include "plugins/http_call/http_url.h"

namespace upgate::plugins {

struct ForwardOptions {
  HttpUrl url;
  std::shared_ptr<tls::ClientContext> tls;                      // nullptr for an http URL
  std::vector<std::string> headers{"Authorization", "Cookie"};  // of the request, for the service
  std::vector<std::string> set;  // of the service's answer, for the server
  std::string user_header;       // of the service's answer; empty: the user has no name
  io::Millis timeout{3'000};
  io::Millis cache{0};    // for how long a yes may be used again; 0: not at all
  io::Millis recheck{0};  // of live sessions; 0: never
  bool allow_on_error = false;
};

// With errors in the setup's options, the result is not to be used.
ForwardOptions ParseForwardOptions(plugin::AuthSetup& setup);

}  // namespace upgate::plugins
