#include "gateway/app/options.h"

#include "gateway/base/text.h"
#include "gateway/config/read_text.h"

namespace upgate::app {
namespace {

constexpr std::size_t kLargestPage = 1024 * 1024;

std::string_view TypeOf(std::string_view path) {
  const auto is = [&](std::string_view suffix) { return ToLower(path).ends_with(suffix); };
  if (is(".html") || is(".htm")) return "text/html; charset=utf-8";
  return is(".json") ? "application/json" : "text/plain; charset=utf-8";
}

}  // namespace

std::shared_ptr<const http::ErrorPages> ReadErrorPages(const config::Config& config,
                                                       std::vector<config::ConfigError>& errors) {
  if (config.errors.empty()) return nullptr;
  auto pages = std::make_shared<http::ErrorPages>();
  for (const auto& [name, file] : config.errors) {
    auto text = config::ReadText(file.path);
    if (text && text->size() > kLargestPage) text = std::unexpected("is larger than 1 MiB");
    if (!text) {
      errors.push_back({file.mark, file.key, config::PathExcerpt(file.path) + ": " + text.error()});
      continue;
    }
    http::ErrorPages::Page page{std::move(*text), std::string(TypeOf(file.path))};
    if (name.ends_with("xx")) {
      pages->by_class.insert_or_assign(name[0] - '0', std::move(page));
    } else {
      pages->by_status.insert_or_assign(std::stoi(name), std::move(page));
    }
  }
  return pages;
}

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
