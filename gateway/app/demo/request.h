#pragma once

#include <nlohmann/json.hpp>

#include "gateway/http/message.h"

namespace upgate::app {

// The head of a request as the demo's servers received it, for the page, which cannot see what the
// browser and the gateway sent: method, target, and the fields as "Name: value", in order.
nlohmann::ordered_json RequestHead(const http::Request& request);

// As JSON text; invalid UTF-8, which fields may contain, is replaced.
std::string DumpJson(const nlohmann::ordered_json& json);

}  // namespace upgate::app
