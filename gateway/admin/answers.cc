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

http::Response JsonPage(int status, const Json& json) {
  // Names come from files and clients: invalid UTF-8 must not throw.
  http::Response response = Page("application/json", DumpJson(json, 2) + "\n");
  response.status = status;
  return response;
}

http::Response ErrorPage(int status, std::string_view why) {
  return JsonPage(status, {{"error", why}});
}

}  // namespace upgate::admin
