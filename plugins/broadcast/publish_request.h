#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins::broadcast {

class Hub;

// Handles an ordinary HTTP request to a room: POST publishes its body as one message, GET gets a
// 426. Both are borrowed and must outlive the handler.
std::unique_ptr<http::ExchangeHandler> AnswerRequest(Hub& hub, http::Exchange& exchange);

}  // namespace upgate::plugins::broadcast
