// The server side of HTTP/1.1: splits of the input change neither requests nor responses, and an
// accepted request is forwarded as exactly one request with the same meaning. Input: a byte of
// settings, a seed for the splits, the input of the client.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/http/request_parser.h"
#include "gateway/http/request_writer.h"
#include "gateway/upgrade/proxy_headers.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/http/wire.h"

namespace upgate::http {
namespace {

using fuzz::Require;

// When and how a request is answered.
enum class Manner : std::uint8_t { kAtItsEnd, kAtOnce, kStreamed, kUpgraded };

struct Settings {
  Manner manner = Manner::kAtItsEnd;
  bool small = false;  // small limits
  bool fin = false;    // the client sends a FIN after its bytes
};

struct Taken {
  Request request;
  std::string body;
  bool ended = false;
  Headers trailers;
};

struct Outcome {
  std::vector<Taken> requests;
  std::vector<int> answers;
  std::string received;
  std::optional<std::string> upgraded;  // the bytes after the request
  bool done = false;
  bool reset = false;
};

ServerOptions OptionsFor(const Settings& settings) {
  ServerOptions options;
  if (settings.small) options.limits = {.head_bytes = 256, .header_count = 6};
  return options;
}

void Answer(Seen& seen, Exchange& exchange) {
  exchange.Respond({.status = 200, .reason = {}, .headers = {}, .body = seen.request.target.path});
}

void SetManner(HttpWire& wire, Manner manner) {
  switch (manner) {
    case Manner::kAtItsEnd:
      wire.on_end = Answer;
      return;
    case Manner::kAtOnce:
      wire.on_request = Answer;
      return;
    case Manner::kStreamed:
      wire.on_request = [](Seen&, Exchange& exchange) { exchange.SendHead({}, {}); };
      wire.on_body = [](Seen& seen, Exchange& exchange) { exchange.SendBody(AsBytes(seen.body)); };
      wire.on_end = [](Seen& seen, Exchange& exchange) { exchange.EndBody(seen.trailers); };
      return;
    case Manner::kUpgraded:
      wire.on_request = [&wire](Seen& seen, Exchange& exchange) {
        if (!seen.request.wants_upgrade || wire.upgraded) return Answer(seen, exchange);
        Upgraded upgraded =
            exchange.Upgrade({.status = 101, .reason = {}, .headers = {}, .body = {}});
        if (upgraded.stream) wire.upgraded = std::move(upgraded);
      };
      return;
  }
}

// Whether a client gets a 100 depends on how much of its body has arrived.
std::string WithoutContinue(std::string text) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  for (std::size_t at = text.find(kContinue); at != std::string::npos;
       at = text.find(kContinue, at)) {
    text.erase(at, kContinue.size());
  }
  return text;
}

Outcome Serve(const Settings& settings, std::string_view bytes, fuzz::Cuts cuts) {
  HttpWire wire(io::kReadBufferSize, OptionsFor(settings));
  SetManner(wire, settings.manner);
  while (!bytes.empty()) wire.Send(cuts.TakeFrom(bytes));
  if (settings.fin) wire.Fin();
  Outcome outcome;
  for (std::size_t i = 0; i < wire.requests(); ++i) {
    const Seen& seen = wire.seen(i);
    outcome.requests.push_back({seen.request, seen.body, seen.ended, seen.trailers});
  }
  outcome.answers = wire.answers();
  outcome.received = WithoutContinue(wire.received());
  outcome.done = wire.done();
  outcome.reset = wire.wire().reset;
  if (wire.upgraded)
    outcome.upgraded = wire.upgraded->early + wire.wire().inbound.substr(wire.wire().inbound_read);
  // Timeouts end it in any state.
  wire.Advance(io::Millis{600'000});
  if (settings.manner != Manner::kUpgraded && settings.manner != Manner::kStreamed)
    Require(wire.done());
  return outcome;
}

void RequireSame(const Headers& a, const Headers& b) {
  Require(std::ranges::equal(a, b, [](const Header& x, const Header& y) {
    return x.name == y.name && x.value == y.value;
  }));
}

void RequireSame(const Request& a, const Request& b) {
  Require(a.method == b.method && a.version == b.version && a.has_body == b.has_body);
  Require(a.target.path == b.target.path && a.target.raw_path == b.target.raw_path &&
          a.target.query == b.target.query);
  Require(a.target.host == b.target.host && a.target.port == b.target.port);
  RequireSame(a.headers, b.headers);
}

void Compare(const Outcome& whole, const Outcome& pieces, Manner manner) {
  Require(whole.answers == pieces.answers && whole.requests.size() == pieces.requests.size());
  Require(whole.done == pieces.done && whole.reset == pieces.reset &&
          whole.upgraded == pieces.upgraded);
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    const Taken& a = whole.requests[i];
    const Taken& b = pieces.requests[i];
    RequireSame(a.request, b.request);
    Require(a.body == b.body && a.ended == b.ended);
    RequireSame(a.trailers, b.trailers);
  }
  // A streamed response has the pieces of the request.
  if (manner != Manner::kStreamed) Require(whole.received == pieces.received);
}

std::string Forwarded(const Taken& taken) {
  config::Route route;
  config::Server server;
  server.scheme = config::ServerScheme::kHttp;
  server.address = HostPort{"server.test", 80};
  const SocketAddress peer = IpPort{*Ip::Parse("192.0.2.7"), 4242};
  const route::SeenAs seen = route::SeenByClient(taken.request, false, peer, {});
  RequestWriter writer;
  const auto head = writer.Head(
      upgrade::ToServer(taken.request, taken.request.headers, route, server, seen, {}, peer));
  // The response to CONNECT is not HTTP, so CONNECT is not forwarded.
  Require(head.has_value() || taken.request.method == "CONNECT");
  if (!head) return {};
  std::string text = *head;
  if (!taken.body.empty()) {
    const auto body = writer.Body(AsBytes(taken.body));
    for (const Bytes slice : body.slices()) Append(text, slice);
  }
  const auto end = writer.End(taken.trailers);
  Require(end.has_value());
  return text + *end;
}

// The server must parse it as strictly, with nothing left over.
void CheckForwarded(const Taken& taken) {
  const std::string text = Forwarded(taken);
  if (text.empty()) return;
  RequestParser parser({.head_bytes = 256 * 1024, .header_count = 200});
  Bytes input = AsBytes(text);
  const auto first = parser.Next(input);
  Require(first.has_value());
  const auto* head = std::get_if<RequestHead>(&*first);
  Require(head != nullptr && head->request.method == taken.request.method);
  Require(head->request.target.path == taken.request.target.path &&
          head->request.target.query == taken.request.target.query);
  std::string body;
  for (;;) {
    const auto event = parser.Next(input);
    Require(event && !std::holds_alternative<RequestParser::NeedMore>(*event));
    if (const auto* part = std::get_if<RequestParser::RequestBody>(&*event))
      Append(body, part->bytes);
    if (std::holds_alternative<RequestParser::RequestEnd>(*event)) break;
  }
  Require(input.empty() && body == taken.body);
}

void RunOne(const Settings& settings, std::uint8_t cut, std::string_view bytes) {
  const Outcome whole = Serve(settings, bytes, fuzz::Cuts(0));
  Compare(whole, Serve(settings, bytes, fuzz::Cuts(cut + 1u)), settings.manner);
  for (const Taken& taken : whole.requests) {
    if (taken.ended) CheckForwarded(taken);
  }
}

}  // namespace
}  // namespace upgate::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const std::uint8_t flags = input.Byte();
  const std::uint8_t cut = input.Byte();
  const http::Settings settings{.manner = http::Manner{static_cast<std::uint8_t>(flags & 3)},
                                .small = (flags & 4) != 0,
                                .fin = (flags & 8) != 0};
  http::RunOne(settings, cut, input.Rest());
  return 0;
}
