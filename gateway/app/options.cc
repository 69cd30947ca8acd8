#include "gateway/app/options.h"

#include "gateway/base/text.h"

namespace upgate::app {

http::ServerOptions HttpOptions(const config::Config& config) {
  http::ServerOptions options;
  options.limits.head_bytes = config.http.head_size;
  options.limits.header_count = config.http.headers;
  options.limits.underscores = config.http.underscores;
  options.limits.head_timeout = config.http.head_timeout;
  options.limits.body_rate = config.http.body_rate;
  options.limits.idle_timeout = config.http.idle_timeout;
  options.server_name = config.server_header;
  return options;
}

std::string NameServers(const config::Config& config) {
  return Join(config.dns_servers, ",");
}

}  // namespace upgate::app
