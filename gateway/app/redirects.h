#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/explain.h"
#include "gateway/app/prepare.h"
#include "gateway/config/error.h"

namespace upgate::app {

// Where a redirect from `question` to `location`, a URL or a path, leads.
struct Redirected {
  std::string url;      // to explain next; empty: another host
  bool itself = false;  // the same URL again
};
Redirected FollowRedirect(const Question& question, std::string_view location);

// Warnings for routes whose service redirects clients to the same URL, in an endless loop. Tests
// each such route with one request for each kind of listener.
std::vector<config::ConfigError> SelfRedirects(const upgrade::Generation& generation);

}  // namespace upgate::app
