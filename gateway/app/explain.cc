#include "gateway/app/explain.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/app/explain_auth.h"
#include "gateway/app/explain_limits.h"
#include "gateway/app/explain_lines.h"
#include "gateway/app/explain_target.h"
#include "gateway/base/match.h"
#include "gateway/base/text.h"
#include "gateway/config/scalar.h"
#include "gateway/http/chars.h"
#include "gateway/http/request_parser.h"
#include "gateway/route/authority.h"
#include "gateway/route/explain.h"
#include "gateway/route/origin.h"
#include "gateway/route/readings.h"
#include "gateway/upgrade/client_address.h"
#include "gateway/upgrade/decision.h"
#include "gateway/upgrade/server_choice.h"
#include "gateway/ws/handshake.h"

namespace upgate::app {
namespace {

constexpr std::size_t kMaxNearMisses = 10;

// The headers of a handshake in each dialect; the keys are those of the examples in the standards.
const http::Headers kAnyHandshake{{"Connection", "Upgrade"}, {"Upgrade", "websocket"}};
const std::array<http::Headers, config::kDialects> kHandshakes{
    http::Headers{{"Sec-WebSocket-Version", "13"},
                  {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}},
    http::Headers{{"Sec-WebSocket-Version", "8"},
                  {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}},
    http::Headers{{"Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5"},
                  {"Sec-WebSocket-Key2", "12998 5 Y3 1  .P00"}},
    http::Headers{}};
// The body of a hixie76 handshake, which follows the head; ignored otherwise.
constexpr std::string_view kBehindHead = "^n:ds[4U";

std::string Place(const config::Config& config, const config::Route& route) {
  return fmt::format("routes[{}] {} ({}:{})", route.index, route.path.written, config.file,
                     route.mark.line);
}

std::string HostsOf(const config::Route& route) {
  std::string hosts;
  for (const auto& host : route.hosts)
    hosts += fmt::format("{}{}{}", hosts.empty() ? "" : ", ", host.wildcard ? "*." : "", host.host);
  return hosts.empty() ? "any host" : hosts;
}

// Leaves out the client's port, which means nothing here.
SocketAddress PeerOf(const Question& question) {
  return IpPort{question.from, 0};
}

// As a current client would have it, which asks for the host of the URL.
io::TlsInfo TlsOf(const Question& question) {
  const std::string& host = question.request.target.host;
  return {.version = "TLSv1.3",
          .cipher = {},
          .server_name = Ip::Parse(host) ? "" : host,
          .client_subject = {},
          .client_name = {},
          .protocol = {}};
}

bool ListensOn(const config::Listener& listener, std::uint16_t port) {
  const auto* where = std::get_if<HostPort>(&listener.address.where);
  return where != nullptr && where->port == port;
}

// The listener that was asked for, or the one for a URL: by port and scheme, else by scheme, else
// the first, because a proxy in front of the gateway may listen elsewhere and terminate TLS.
const config::Listener& ListenerFor(const config::Config& config, const Question& question) {
  const CommandUrl& url = question.url;
  if (!question.listener.empty()) {
    if (const auto* named = FindListener(config, question.listener)) return *named;
  }
  const auto fits = [&](bool ask_port) {
    return std::ranges::find_if(config.listeners, [&](const auto& listener) {
      return listener.tls.has_value() == url.is_secure() &&
             (!ask_port || ListensOn(listener, url.port));
    });
  };
  if (url.scheme.empty()) return config.listeners.front();
  if (const auto exact = fits(true); exact != config.listeners.end()) return *exact;
  const auto by_scheme = fits(false);
  return by_scheme != config.listeners.end() ? *by_scheme : config.listeners.front();
}

void TellArrival(Lines& out, const Question& question, const config::Listener& listener,
                 const route::SeenAs& seen) {
  const bool tls = listener.tls.has_value();
  out.Add(question.request.method, "{}",
          question.url.scheme.empty() ? question.url.target
                                      : fmt::format("{}://{}{}", question.url.scheme,
                                                    question.url.authority, question.url.target));
  out.Add("  listener", "{}{}{}", listener.name.empty() ? "" : listener.name + ", ",
          listener.address.ToString(), tls ? ", TLS" : "");
  if (!question.listener.empty() || question.url.scheme.empty()) {
    // Nothing to say: the listener was asked for, or any will do.
  } else if (tls != question.url.is_secure()) {
    out.Add("", "no listener {} TLS; assuming a proxy in front that {} it",
            tls ? "is without" : "has", tls ? "adds" : "terminates");
  } else if (!ListensOn(listener, question.url.port)) {
    out.Add("", "no such listener is on port {}; assuming that it is forwarded to this one",
            question.url.port);
  }
  const bool forwarded = seen.client != ToString(PeerOf(question));
  out.Add("  client", "{}{}", forwarded ? seen.client : question.from.ToString(),
          seen.by_trusted_proxy ? "; the peer is a trusted proxy" : "");
  out.Add("  seen as", "{}://{}, path {}", seen.scheme,
          seen.port == route::DefaultPort(seen.scheme) ? seen.host
                                                       : HostPort{seen.host, seen.port}.ToString(),
          Printable(question.request.target.path));
  if (!seen.overruled.empty()) out.Add("", "Forwarded says {}", seen.overruled);
  out.Blank();
}

// The exact path, among the routes for this host, that `path` may be a misspelling of; empty if
// there is none.
std::string_view MeantPath(const std::vector<route::NearMiss>& misses, std::string_view path) {
  std::vector<std::string_view> exact;
  for (const auto& miss : misses) {
    if (miss.host_fits && miss.route->path.kind == config::PathPattern::Kind::kExact)
      exact.push_back(miss.route->path.text);
  }
  return NearestOf(path, exact);
}

void TellNearMisses(Lines& out, const config::Config& config, const route::Facts& facts) {
  const std::string& path = facts.request.target.path;
  auto misses = route::NearMisses(config.routes, facts.seen.host, path);
  const std::string_view meant = MeantPath(misses, path);
  const auto is_meant = [&](const route::NearMiss& miss) {
    return miss.host_fits && !meant.empty() && miss.route->path.text == meant;
  };
  std::ranges::stable_partition(misses,
                                [&](const auto& miss) { return miss.path_fits || is_meant(miss); });
  for (std::size_t i = 0; i < std::min(misses.size(), kMaxNearMisses); ++i) {
    const config::Route& route = *misses[i].route;
    out.Add(i == 0 ? "  near" : "", "{}: {}{}", Place(config, route),
            misses[i].path_fits ? "the path fits, the host does not: it is for " + HostsOf(route)
                                : "the host fits, the path does not",
            is_meant(misses[i]) ? "; did you mean this one?" : "");
  }
  if (misses.size() > kMaxNearMisses) out.Add("", "and {} more", misses.size() - kMaxNearMisses);
  if (misses.empty()) out.Add("  near", "no route is for this host, and none for this path");
}

// The conditions of a route that do not hold: "not so: the method is GET"; empty if all do.
std::string Unmet(const upgrade::Generation& generation, const config::Route& route,
                  const route::Facts& facts) {
  const route::Matcher* matcher = generation.router->matcher(route);
  if (matcher == nullptr) return "";
  std::string unmet;
  for (const auto& condition : matcher->Explain(facts)) {
    if (condition.holds) continue;
    unmet.append(unmet.empty() ? "its match does not hold: " : "; ").append(condition.text);
  }
  return unmet;
}

void TellNoRoute(Lines& out, const upgrade::Generation& generation,
                 const std::vector<route::RouteMatch>& matches, const route::Facts& facts) {
  out.Add("route", "none");
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const config::Route& route = *matches[i].route;
    out.Add(i == 0 ? "  near" : "", "{}: {}", Place(*generation.config, route),
            Unmet(generation, route, facts));
  }
  if (matches.empty()) TellNearMisses(out, *generation.config, facts);
  const http::Response answer = upgrade::AnswerUnrouted(*generation.router, facts, false);
  out.Add("answer", "{}", answer.status);
  if (const std::string* allow = answer.headers.Find("Allow")) out.Add("", "Allow: {}", *allow);
}

// Shows the route for each interpretation of the path; returns true if it is the same for all.
bool TellReadings(Lines& out, const upgrade::Generation& generation, const route::Facts& facts) {
  const http::Target& target = facts.request.target;
  const auto readings = route::OtherReadings(target);
  if (!target.has_readings || readings.empty()) return true;
  const auto tell = [&](std::string_view name, const std::string& path) {
    const config::Route* route = generation.router->Find(facts.seen.host, path, facts);
    out.Add(name, "{}: {}", Printable(path),
            route != nullptr ? Place(*generation.config, *route) : "no route");
  };
  tell("readings", target.path);
  for (const std::string& reading : readings) tell("", reading);
  return !route::FindRoute(*generation.router, facts).ambiguous;
}

// One of the matches is the route that the request takes.
void TellRoute(Lines& out, const upgrade::Generation& generation,
               const std::vector<route::RouteMatch>& matches, const route::Facts& facts) {
  const auto winner = std::ranges::find_if(
      matches, [&](const auto& match) { return Unmet(generation, *match.route, facts).empty(); });
  const config::Config& config = *generation.config;
  out.Add("route", "{}", Place(config, *winner->route));
  out.Add("  why", "{}", route::ExplainMatch(*winner));
  if (const route::Matcher* matcher = generation.router->matcher(*winner->route)) {
    for (const auto& condition : matcher->Explain(facts)) out.Add("", "{}", condition.text);
  }
  for (auto it = matches.begin(); it != winner; ++it) {
    out.Add(it == matches.begin() ? "  not" : "", "{}: {}", Place(config, *it->route),
            Unmet(generation, *it->route, facts));
  }
  for (auto it = winner + 1; it != matches.end(); ++it) {
    out.Add(it == winner + 1 ? "  goes before" : "", "{}: {}", Place(config, *it->route),
            route::ExplainLowerRank(route::ExplainPrecedence(*winner, *it)));
  }
}

std::string_view NameOf(config::Encoding encoding) {
  switch (encoding) {
    case config::Encoding::kAuto:
      return "auto: as the client asks, else binary";
    case config::Encoding::kBinary:
      return "binary";
    case config::Encoding::kText:
      return "text";
    case config::Encoding::kBase64:
      break;
  }
  return "base64";
}

void TellOrigin(Lines& out, const http::Request& request, const config::Route& route,
                const upgrade::Decision& decision) {
  const std::string* origin = request.headers.Find(ws::OriginField(request));
  const route::OriginVerdict& verdict = decision.verdict;
  if (!verdict.allowed) {
    const bool matters = !std::holds_alternative<upgrade::Ordinary>(decision.what);
    return out.Add("origin", "{}{}", verdict.reason,
                   matters ? "" : "; without a cors block that stops WebSockets only");
  }
  if (origin == nullptr) return out.Add("origin", "none was sent, which passes");
  if (route::IsPreflight(request) && route.cors)
    return out.Add("origin", "{}; a preflight, see the answer", Printable(*origin));
  out.Add("origin", "{} {}", Printable(*origin),
          verdict.headers.empty() ? "is the gateway's own" : "is allowed by cors.allow_origins");
}

void TellCompression(Lines& out, std::string_view with, const config::Compression& compression) {
  const auto takeover = [](bool none) { return none ? "without" : "with"; };
  out.Add("compression", "with {}: level {}, for messages of {} and more", with, compression.level,
          config::Syntax<config::ByteSize>::Write({compression.threshold}));
  out.Add("", "what a server sends: window bits up to {}, {} context takeover",
          compression.server_max_window_bits, takeover(compression.server_no_context_takeover));
  out.Add("", "what a client sends: window bits up to {}, {} context takeover",
          compression.client_max_window_bits, takeover(compression.client_no_context_takeover));
}

void TellPolicies(Lines& out, const upgrade::Generation& generation,
                  const config::Listener& listener, const config::Route& route,
                  const upgrade::Behind& behind) {
  if (behind.serves_websocket)
    out.Add("dialects", "{}", route.dialects.value_or(listener.dialects).ToString());
  if (!route.subprotocols.empty()) out.Add("subprotocols", "{}", Join(route.subprotocols, ", "));
  if (behind.carries_bytes) out.Add("encoding", "{}", NameOf(route.encoding));
  if (route.require_origin) out.Add("origin", "is required");
  if (route.auth) TellAuth(out, generation, route);
  if (route.enforce)
    out.Add("enforce", "WebSocket rules are enforced on both sides; each has its own extensions");
  if (route.compression) TellCompression(out, "clients", *route.compression);
  if (route.server_compression) TellCompression(out, "servers", *route.server_compression);
  if (route.compress_http) {
    out.Add("gzip", "of responses of {} and more: {}",
            config::Syntax<config::ByteSize>::Write({route.compress_http->min_size}),
            Join(route.compress_http->types, ", "));
  }
  TellLimits(out, route.limits);
}

void TellHeaders(Lines& out, const http::Headers& headers) {
  for (const auto& header : headers) {
    if (!EqualsIgnoreCase(header.name, "content-type"))
      out.Add("", "{}: {}", header.name, Printable(header.value));
  }
}

void TellAnswered(Lines& out, const upgrade::Answered& answered, const http::Headers& fields) {
  const http::Response& response = answered.response;
  const std::string_view body = std::string_view(response.body).substr(0, response.body.find('\n'));
  out.Add("answer", "{} {}{}{}", response.status, http::ReasonPhrase(response.status),
          body.empty() ? "" : ": ", Printable(body));
  TellHeaders(out, response.headers);
  TellHeaders(out, fields);
  if (response.status == 426) out.Add("", "use a ws:// or wss:// URL to explain the handshake");
}

void TellAccepted(Lines& out, const config::Config& config, const config::Route& route,
                  const upgrade::Accepted& accepted, const upgrade::Decision& decision) {
  out.Add("dialect", "{}", NameOf(accepted.offer.dialect));
  if (route.plugin) {
    out.Add("answer", "101, then a session with the plugin");
  } else if (config.BackendOf(route)->relay == config::Relay::kBytes) {
    out.Add("answer", "101 once a server is connected, else 502 or 504; encoding {}",
            NameOf(accepted.encoding));
  } else {
    out.Add("answer", "the server's own: 101 with its choice of subprotocol{}, or its refusal",
            route.enforce ? "" : " and extensions");
    if (!route.enforce) return;
  }
  if (!accepted.subprotocol.empty() && !route.enforce)
    out.Add("", "subprotocol {}", accepted.subprotocol);
  if (accepted.compression) out.Add("", "extensions {}", accepted.compression->answer);
  TellHeaders(out, decision.verdict.headers);
}

void TellOrdinary(Lines& out, const http::Request& request, const config::Listener& listener,
                  const config::Route& route, const upgrade::Decision& decision) {
  out.Add("answer", "{}",
          route.plugin ? "the plugin's own"
                       : "the server's own, or 502 or 504 when none can be reached");
  if (route.plugin && ws::IsHandshake(request, listener.dialects)) {
    out.Add("", "but never a 101: the plugin {} does not serve WebSocket", *route.plugin);
  } else if (request.headers.Find("Upgrade") != nullptr) {
    const std::string_view other = upgrade::OtherUpgrade(request, route);
    other.empty() ? out.Add("", "the Upgrade is ignored: this is not a WebSocket handshake")
                  : out.Add("", "the server may switch to {}", other);
  }
  TellHeaders(out, decision.fields);
}

}  // namespace

const config::Listener* FindListener(const config::Config& config, const std::string& named) {
  const auto it = std::ranges::find_if(config.listeners, [&](const auto& listener) {
    return listener.name == named || listener.address.ToString() == named;
  });
  return it != config.listeners.end() ? &*it : nullptr;
}

std::expected<Question, UsageError> ReadQuestion(const ExplainSettings& settings) {
  auto url = ReadUrl(settings.url);
  if (!url) return std::unexpected(std::move(url.error()));
  auto headers = ReadHeaders(settings.headers);
  if (!headers) return std::unexpected(std::move(headers.error()));
  if (!http::IsToken(settings.method)) {
    return std::unexpected(
        UsageError{fmt::format("-X: '{}' is not a method", Printable(settings.method))});
  }
  const auto from = Ip::Parse(settings.from);
  if (!from)
    return std::unexpected(
        UsageError{fmt::format("--from: '{}' is not an IP address", Printable(settings.from))});

  const auto add_default = [&](std::string_view name, std::string_view value) {
    if (headers->Find(name) == nullptr) headers->Add(name, value);
  };
  add_default("Host", url->authority.empty() ? "localhost" : url->authority);
  const auto dialect = std::ranges::find(config::kDialectNames, settings.dialect);
  if (dialect == config::kDialectNames.end()) {
    return std::unexpected(
        UsageError{fmt::format("--dialect: '{}' is not one of {}", Printable(settings.dialect),
                               Join(config::kDialectNames, ", "))});
  }
  if (url->is_websocket()) {
    for (const auto& header : kAnyHandshake) add_default(header.name, header.value);
    const auto index = static_cast<std::size_t>(dialect - config::kDialectNames.begin());
    for (const auto& header : kHandshakes[index]) add_default(header.name, header.value);
  }
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", settings.method, url->target);
  for (const auto& header : *headers) text += fmt::format("{}: {}\r\n", header.name, header.value);
  text += "\r\n";
  text += kBehindHead;

  http::RequestParser parser({.head_bytes = 1024 * 1024, .header_count = 1000});
  Bytes input = AsBytes(text);
  auto event = parser.Next(input);
  if (!event) {
    return std::unexpected(UsageError{fmt::format("such a request gets {} before it is routed: {}",
                                                  event.error().status, event.error().reason)});
  }
  auto* head = std::get_if<http::RequestHead>(&*event);
  if (head == nullptr) return std::unexpected(UsageError{"such a request is incomplete"});
  return Question{std::move(*url), std::move(head->request), *from, settings.listener};
}

namespace {

// Whether the request gets an answer before a route is looked up.
bool TellEarlyAnswer(Lines& out, const upgrade::Generation& generation, const Question& question,
                     const route::Facts& facts) {
  const config::Listener& listener = facts.listener;
  if (!listener.access.Allows(PeerOf(question))) {
    TellAccess(out, listener.access);
    out.Add("answer", "none: access of the listener closes the connection");
    return true;
  }
  if (listener.redirect_https != 0 && facts.seen.scheme == "http") {
    out.Add("answer", "301 or 308 to https://{}{}: by redirect_https of the listener",
            facts.seen.host,
            listener.redirect_https == 443 ? "" : fmt::format(":{}", listener.redirect_https));
    return true;
  }
  if (TellReadings(out, generation, facts)) return false;
  out.Add("answer", "400 {}: {}", http::ReasonPhrase(400), route::kAmbiguous);
  return true;
}

// What lies behind the route. Returns where the answer leads, if it is a redirect.
std::string TellBehind(Lines& out, const upgrade::Generation& generation, const Question& question,
                       const route::Facts& facts, const config::Route& route,
                       const http::Request& request) {
  const upgrade::RouteRecord& record = *generation.routes[route.index];
  plugin::Service::Preview preview;
  if (record.service != nullptr)
    preview = record.service->MakePreview(request, facts.listener.tls.has_value());
  if (record.resolver) preview.line = record.resolver->plugin->Describe();
  const SocketAddress peer = PeerOf(question);
  TellTarget(out, generation, route,
             {.request = request, .seen = facts.seen, .peer = peer, .tls = facts.tls, .session = 1},
             preview, question.live);
  return preview.location;
}

void TellOutcome(Lines& out, const config::Config& config, const route::Facts& facts,
                 const config::Route& route, const http::Request& request,
                 const upgrade::Decision& decision) {
  std::visit(Match{[&](const upgrade::Answered& answered) {
                     TellAnswered(out, answered, decision.fields);
                   },
                   [&](const upgrade::Accepted& accepted) {
                     TellAccepted(out, config, route, accepted, decision);
                   },
                   [&](const upgrade::Ordinary&) {
                     TellOrdinary(out, request, facts.listener, route, decision);
                   }},
             decision.what);
}

Explanation ExplainRouted(Lines& out, const upgrade::Generation& generation,
                          const Question& question, const route::Facts& facts,
                          const config::Route& route) {
  const config::Config& config = *generation.config;
  const config::Backend* backend = config.BackendOf(route);
  const upgrade::Behind behind =
      upgrade::BehindRoute(route, generation.routes[route.index]->service.get(),
                           backend != nullptr ? backend->relay : config::Relay::kBytes);
  const http::Request request = WithoutCredential(generation, route, facts.request);
  const upgrade::Decision decision =
      upgrade::Decide(request, facts.listener, route, behind, facts.seen);
  std::string location = TellBehind(out, generation, question, facts, route, request);
  TellAccess(out, route.access);
  if (!upgrade::MayAccess(route.access, facts.seen, PeerOf(question))) {
    out.Add("answer", "403 {}: by access of the route", http::ReasonPhrase(403));
    return {.route = &route, .text = out.Take(), .location = {}};
  }
  TellOrigin(out, request, route, decision);
  TellPolicies(out, generation, facts.listener, route, behind);
  if (route.auth && !decision.is_for_anybody() &&
      !TellCredential(
          out, generation, route,
          {facts.request, facts.seen, route::WithoutPort(facts.seen.client), facts.tls}))
    return {.route = &route, .text = out.Take(), .location = {}};
  TellOutcome(out, config, facts, route, request, decision);
  return {.route = &route, .text = out.Take(), .location = std::move(location)};
}

}  // namespace

Explanation Explain(const upgrade::Generation& generation, const Question& question) {
  const http::Request& asked = question.request;
  const config::Listener& listener = ListenerFor(*generation.config, question);
  const route::SeenAs seen = route::SeenByClient(asked, listener.tls.has_value(), PeerOf(question),
                                                 listener.trusted_proxies);
  const io::TlsInfo tls = TlsOf(question);
  const route::Facts facts{
      .request = asked, .seen = seen, .listener = listener, .tls = listener.tls ? &tls : nullptr};
  Lines out;
  TellArrival(out, question, listener, seen);
  if (TellEarlyAnswer(out, generation, question, facts))
    return {.route = nullptr, .text = out.Take(), .location = {}};
  const auto matches = generation.router->Matches(seen.host, asked.target.path);
  const config::Route* found = generation.router->Find(seen.host, asked.target.path, facts);
  if (found == nullptr) {
    TellNoRoute(out, generation, matches, facts);
    return {.route = nullptr, .text = out.Take(), .location = {}};
  }
  TellRoute(out, generation, matches, facts);
  return ExplainRouted(out, generation, question, facts, *found);
}

}  // namespace upgate::app
