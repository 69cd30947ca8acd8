#include "gateway/app/demo/request.h"

#include <nlohmann/json.hpp>

namespace upgate::app {

Json RequestHead(const http::Request& request) {
  Json headers = Json::array();
  for (const http::Header& header : request.headers)
    headers.push_back(header.name + ": " + header.value);
  std::string target = request.target.raw_path;
  if (request.target.has_query) target += "?" + request.target.query;
  return {{"method", request.method}, {"target", target}, {"headers", std::move(headers)}};
}

}  // namespace upgate::app
