#include "plugins/http/http.h"

#include <utility>

#include <fmt/format.h>

#include "plugins/http/query.h"
#include "plugins/http/url_template.h"

namespace upgate::plugins {
namespace {

constexpr std::size_t kMostUnderWay = 256;  // per route and loop

struct HttpOptions {
  UrlTemplate url;
  std::shared_ptr<tls::ClientContext> tls;
  HttpFields headers;
};

class HttpInstance final : public plugin::ResolverInstance {
 public:
  HttpInstance(const HttpOptions& options, plugin::ResolverHost& host)
      : options_(options), host_(host) {}

  std::unique_ptr<io::Deletable> Resolve(const plugin::Question& question,
                                         plugin::Reply reply) override {
    auto target = options_.url.TargetFor(question);
    if (!target) {
      reply(plugin::Unknown());
      return nullptr;
    }
    if (under_way_ >= kMostUnderWay) {
      reply(plugin::Failed("too many questions to the server of the resolver are under way"));
      return nullptr;
    }
    return std::make_unique<HttpQuery>(host_.loop(), host_.scratch(), options_.url.url().server,
                                       options_.tls.get(), RequestFor(std::move(*target)),
                                       std::move(reply), under_way_);
  }

 private:
  http::OutgoingRequest RequestFor(std::string target) const {
    http::OutgoingRequest request;
    request.method = "GET";
    request.target = std::move(target);
    request.headers.Add("Host", options_.url.url().authority);
    request.headers.Add("Accept", "application/json");
    for (const auto& [name, value] : options_.headers) request.headers.Add(name, value);
    return request;
  }

  const HttpOptions& options_;
  plugin::ResolverHost& host_;
  std::size_t under_way_ = 0;
};

class Http final : public plugin::Resolver {
 public:
  explicit Http(HttpOptions options) : options_(std::move(options)) {}

  std::unique_ptr<plugin::ResolverInstance> Start(plugin::ResolverHost& host) const override {
    return std::make_unique<HttpInstance>(options_, host);
  }
  // What is not in the URL makes no difference to the server.
  std::string CacheKey(const plugin::Question& question) const override {
    return options_.url.TargetFor(question).value_or("");
  }
  // Without the path, which may hold a key.
  std::string Describe() const override {
    return fmt::format("asks http{}://{}", options_.url.url().is_secure ? "s" : "",
                       options_.url.url().authority);
  }

 private:
  const HttpOptions options_;
};

}  // namespace

std::unique_ptr<plugin::Resolver> MakeHttp(plugin::ResolverSetup setup) {
  HttpOptions options;
  const config::Field url = setup.options["url"];
  const auto text = url.Required<std::string>();
  if (auto parsed = UrlTemplate::Parse(text)) {
    options.url = std::move(*parsed);
  } else if (!text.empty()) {
    url.Refuse(parsed.error(), "");
  }
  options.tls = ParseHttpTls(setup.options["tls"], options.url.url(), setup.folder);
  options.headers = ParseHttpFields(setup.options["headers"]);
  setup.options.RejectUnknownKeys();
  return std::make_unique<Http>(std::move(options));
}

}  // namespace upgate::plugins
