#pragma once

#include <string>
#include <string_view>

#include "gateway/base/json.h"
#include "gateway/http/message.h"

namespace upgate::admin {

// Responses of the admin address; none may be cached.
http::Response Page(std::string_view content_type, std::string body);
http::Response JsonPage(int status, const Json& json);
// {"error": "…"}
http::Response ErrorPage(int status, std::string_view why);

}  // namespace upgate::admin
