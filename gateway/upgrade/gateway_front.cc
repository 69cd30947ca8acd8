// What all requests have in common, before they find their routes and on any of them.
#include <utility>

#include "gateway/base/host_name.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/request_ids.h"
#include "gateway/upgrade/rewriter.h"

namespace upgate::upgrade {
namespace {

// Certificate authorities ask for it over plain HTTP (RFC 8555, section 8.3).
constexpr std::string_view kAcme = "/.well-known/acme-challenge/";

constexpr std::uint16_t kHttpsPort = 443;

// The same URL with https.
std::string SecureUrl(const route::SeenAs& seen, const http::Target& target, std::uint16_t port) {
  std::string url = "https://" + HostInUrl(seen.host);
  if (port != kHttpsPort) url += ":" + std::to_string(port);
  url += target.path == "*" ? "/" : target.raw_path;
  if (target.has_query) url.append("?").append(target.query);
  return url;
}

http::Response RedirectToHttps(const route::SeenAs& seen, const http::Request& request,
                               std::uint16_t port) {
  if (seen.host.empty())
    return http::TextResponse(400, "a request without Host cannot be redirected");
  // 308 keeps the method; older clients know only 301.
  const bool plain = request.method == "GET" || request.method == "HEAD";
  http::Response response = http::TextResponse(plain ? 301 : 308, "this is served over https only");
  response.headers.Add("Location", SecureUrl(seen, request.target, port));
  return response;
}

}  // namespace

bool Gateway::Welcome(http::Exchange& exchange, const config::Listener& listener,
                      const route::SeenAs& seen) {
  const config::HttpLimits& http = routes_.generation().config->http;
  const bool secure = seen.scheme == "https";
  const bool has_ids = http.request_id || http.traceparent;
  const bool redirects = listener.redirect_https != 0 && !secure;
  if (!has_ids && !listener.hsts && !redirects) return false;
  http::Headers fields;
  if (has_ids) {
    SetIds(exchange.editable_request(), seen.by_trusted_proxy, http, context_.loop.entropy);
    if (http.request_id) fields.Add("X-Request-ID", RequestIdOf(exchange.request()));
  }
  if (listener.hsts && secure) fields.Add("Strict-Transport-Security", listener.hsts->ToString());
  if (!fields.empty()) exchange.SetOwnFields(std::move(fields));
  const http::Request& request = exchange.request();
  if (!redirects || request.target.path.starts_with(kAcme)) return false;
  exchange.IgnoreUpgrade();
  exchange.Respond(RedirectToHttps(seen, request, listener.redirect_https));
  return true;
}

bool Gateway::RefuseBody(http::Exchange& exchange, RouteContext& route, const route::SeenAs& seen) {
  const config::Route& config = route.config();
  if (config.compress_http) exchange.SetCompression(*config.compress_http);
  const std::uint64_t most = config.limits.body_size;
  if (most == 0 || !exchange.request().has_body) return false;
  exchange.SetBodyLimit(most);
  const std::string* length = exchange.request().headers.Find("content-length");
  if (length == nullptr || std::stoull(*length) <= most) return false;
  Refuse(exchange, route, seen, false, stats::Refusal::kBodySize,
         stats::HandshakeOutcome::kBadRequest,
         http::TextResponse(413, "the request body is larger than limits.body_size"));
  return true;
}

http::Headers Gateway::TrailersToServer(http::Headers trailers, const Rewritten* rewritten) const {
  const Generation& generation = routes_.generation();
  generation.forged.Apply(trailers);
  RemoveIds(trailers, generation.config->http);
  if (rewritten != nullptr)
    trailers.Filter([&](const http::Header& h) { return !rewritten->fields.Drops(h.name); });
  return trailers;
}

void Gateway::NoteIds(session::Asked& asked, const http::Request& request) const {
  const config::HttpLimits& http = routes_.generation().config->http;
  asked.SetIds(http.request_id ? RequestIdOf(request) : "",
               http.traceparent ? TraceIdOf(request) : "");
}

}  // namespace upgate::upgrade
