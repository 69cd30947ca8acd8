#pragma once

#include <string>

#include "gateway/plugin/auth.h"
#include "gateway/plugin/http_client.h"
#include "plugins/forward/options.h"

namespace upgate::plugins {

// What the service is asked about a request: GET with the fields of the request that it may see,
// and the request itself in X-Forwarded-*, and X-Original-* for services that are made for nginx.
http::OutgoingRequest QuestionAbout(const plugin::AuthQuestion& question,
                                    const ForwardOptions& options);

// True for an answer that is for the client, with its body.
bool IsForClient(int status);

// What the gateway makes of the service's answer. A 2xx lets the client in; 401, 403 and 3xx are
// passed on to the client, without the fields that belong to the service's connection; anything
// else is a failure.
plugin::AuthAnswer MeaningOf(http::Response answer, const ForwardOptions& options);

}  // namespace upgate::plugins
