#include "plugins/http/http.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/config/resolver_keys.h"
#include "gateway/config/scalar.h"
#include "plugins/http/query.h"
#include "plugins/http/url_template.h"

namespace upgate::plugins {
namespace {

constexpr std::size_t kMostUnderWay = 256;  // per route and loop

struct HttpOptions {
  UrlTemplate url;
  std::shared_ptr<tls::ClientContext> tls;
  std::vector<std::pair<std::string, std::string>> headers;
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
    return std::make_unique<HttpQuery>(host_.loop(), host_.scratch(), options_.url.server(),
                                       options_.tls.get(), RequestFor(std::move(*target)),
                                       std::move(reply), under_way_);
  }

 private:
  http::OutgoingRequest RequestFor(std::string target) const {
    http::OutgoingRequest request;
    request.method = "GET";
    request.target = std::move(target);
    request.headers.Add("Host", options_.url.authority());
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
    return fmt::format("asks http{}://{}", options_.url.is_secure() ? "s" : "",
                       options_.url.authority());
  }

 private:
  const HttpOptions options_;
};

void ParseHeaders(const config::Field& field, HttpOptions& options) {
  if (!field.present()) return;
  for (const config::Field::Member& member : field.Members()) {
    const auto value = member.field.Maybe<std::string>();
    if (!config::Syntax<config::Token>::Read(member.name)) {
      member.field.ErrorAt(member.mark, "is not a valid name of a header");
    } else if (value && value->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      member.field.Error("has a line end in it, which a header cannot carry");
    } else if (value) {
      options.headers.emplace_back(member.name, *value);
    }
  }
}

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
  const config::Field tls = setup.options["tls"];
  const auto settings = config::ParseServiceTls(tls, setup.folder);
  if (tls.present() && url.sound() && !options.url.is_secure())
    tls.Error("has no effect: the url does not begin with https://");
  if (options.url.is_secure() && tls.sound()) {
    auto context = tls::ClientContext::Make(settings.value_or(config::ClientTls{}));
    if (context) {
      options.tls = std::move(*context);
    } else {
      for (const auto& error : context.error()) tls.ErrorAt(error.mark, error.message);
    }
  }
  ParseHeaders(setup.options["headers"], options);
  setup.options.RejectUnknownKeys();
  return std::make_unique<Http>(std::move(options));
}

}  // namespace upgate::plugins
