#pragma once

#include "gateway/base/json.h"
#include "gateway/http/message.h"

namespace upgate::app {

// The head of a request as the demo's servers received it, for the page, which cannot see what the
// browser and the gateway sent: method, target, and the fields as "Name: value", in order.
Json RequestHead(const http::Request& request);

}  // namespace upgate::app
