#include "gateway/admin/answers.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace upgate::admin {

http::Response Page(std::string_view content_type, std::string body) {
  http::Response response;
  response.headers = {{"Content-Type", content_type}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

http::Response JsonPage(int status, const nlohmann::json& json) {
  // Names come from files and clients: invalid UTF-8 must not throw.
  http::Response response =
      Page("application/json",
           json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  response.status = status;
  return response;
}

http::Response ErrorPage(int status, std::string_view why) {
  return JsonPage(status, {{"error", why}});
}

}  // namespace upgate::admin
