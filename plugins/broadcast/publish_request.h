#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins::broadcast {

class Hub;

// Answers an ordinary HTTP request to a room: POST publishes its body as one message, GET is told
// to come with an upgrade. Both are borrowed and outlive the handler.
std::unique_ptr<http::ExchangeHandler> AnswerRequest(Hub& hub, http::Exchange& exchange);

}  // namespace upgate::plugins::broadcast
