#pragma once

#include <nlohmann/json.hpp>

#include "gateway/http/message.h"

namespace upgate::app {

// The head of a request as the demo's servers got it, for the page, which cannot see what browser
// and gateway sent: method, target, and the fields as "Name: value", in their order.
nlohmann::ordered_json RequestHead(const http::Request& request);

// As text; bytes that are not UTF-8, which fields may hold, are replaced.
std::string DumpJson(const nlohmann::ordered_json& json);

}  // namespace upgate::app
