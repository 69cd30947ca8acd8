#include "plugins/redirect/redirect.h"

#include <utility>

#include "plugins/redirect/location.h"

namespace upgate::plugins {
namespace {

using redirect::Location;

class RedirectInstance final : public plugin::Instance {
 public:
  RedirectInstance(const Location& to, int status) : to_(to), status_(status) {}

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override {
    const auto location = to_.For(exchange.request(), exchange.tls() != nullptr);
    if (!location) {
      exchange.Respond(http::TextResponse(400, "the request names no host to redirect to"));
      return nullptr;
    }
    http::Response response = http::TextResponse(status_, "this is at " + *location);
    response.headers.Add("Location", *location);
    exchange.Respond(std::move(response));
    return nullptr;
  }

 private:
  const Location& to_;
  int status_;
};

class Redirect final : public plugin::Service {
 public:
  Redirect(Location to, int status) : to_(std::move(to)), status_(status) {}
  bool serves_http() const override { return true; }
  std::unique_ptr<plugin::Instance> Start(plugin::Host&) const override {
    return std::make_unique<RedirectInstance>(to_, status_);
  }
  Preview MakePreview(const http::Request& request, bool tls) const override {
    auto location = to_.For(request, tls);
    if (!location) return {.line = "400: the request names no host", .location = {}};
    return {.line = std::to_string(status_) + " with Location: " + *location,
            .location = std::move(*location)};
  }

 private:
  const Location to_;
  const int status_;
};

}  // namespace

std::unique_ptr<plugin::Service> MakeRedirect(plugin::ServiceSetup setup) {
  config::Field& options = setup.options;
  const config::Field to = options["to"];
  if (!to.present())
    to.Error("missing; needs where to send clients, such as \"https://{host}{uri}\"");
  const auto text = to.Maybe<std::string>();
  auto location = text ? Location::Parse(*text, setup.path, to) : std::nullopt;
  const int status = options["status"].OneOf(
      {{"301", 301}, {"302", 302}, {"303", 303}, {"307", 307}, {"308", 308}}, 308);
  options.RejectUnknownKeys();
  if (!location) return nullptr;
  return std::make_unique<Redirect>(std::move(*location), status);
}

}  // namespace upgate::plugins
