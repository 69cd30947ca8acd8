#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/explain.h"
#include "gateway/app/prepare.h"
#include "gateway/config/error.h"

namespace upgate::app {

// Where a client goes that is sent from `question` to `location`, a URL or a path.
struct Redirected {
  std::string url;      // to ask about next; empty: away from this host
  bool itself = false;  // the same URL again
};
Redirected FollowRedirect(const Question& question, std::string_view location);

// Warnings for routes whose service sends clients where they came from, for ever. Asks each with a
// request of its own for each kind of listener.
std::vector<config::ConfigError> SelfRedirects(const upgrade::Generation& generation);

}  // namespace upgate::app
