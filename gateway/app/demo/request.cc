#include "gateway/app/demo/request.h"

namespace upgate::app {

nlohmann::ordered_json RequestHead(const http::Request& request) {
  nlohmann::ordered_json headers = nlohmann::ordered_json::array();
  for (const http::Header& header : request.headers)
    headers.push_back(header.name + ": " + header.value);
  std::string target = request.target.raw_path;
  if (request.target.has_query) target += "?" + request.target.query;
  return {{"method", request.method}, {"target", target}, {"headers", std::move(headers)}};
}

std::string DumpJson(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace upgate::app
