#pragma once

#include <string>
#include <vector>

#include "gateway/app/explain.h"
#include "gateway/app/prepare.h"
#include "gateway/config/error.h"

namespace upgate::app {

// How a client goes on that follows redirects within this gateway.
struct RedirectChain {
  struct Step {
    std::string url;
    std::string text;  // the explanation
  };
  std::vector<Step> steps;
  bool endless = false;  // the last step leads to a URL of the chain, or there is no last one
};
// From the answer to the request of `settings`, which has this Location (RFC 9110, section 10.2.2).
// Ends where another host answers.
RedirectChain FollowRedirects(const upgrade::Generation& generation, ExplainSettings settings,
                              std::string location);
// The URLs of the first steps, separated by commas.
std::string UrlsOf(const RedirectChain& chain);

// Warnings, at most 20, for routes whose service redirects clients in an endless loop. Tests each
// such route with two requests for each of its hosts and each listener: with its port and without.
std::vector<config::ConfigError> SelfRedirects(const upgrade::Generation& generation);

}  // namespace upgate::app
