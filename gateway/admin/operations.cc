#include "gateway/admin/operations.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/json.h"
#include "gateway/base/text.h"
#include "gateway/config/error.h"
#include "gateway/upgrade/drained.h"
#include "gateway/ws/close.h"

namespace upgate::admin {
namespace {

using upgrade::Generation;
using upgrade::SessionFilter;
using upgrade::SessionPage;
using upgrade::SessionQuery;
using upgrade::SessionRow;

constexpr std::string_view kSessions = "/sessions";
constexpr std::string_view kOneSession = "/sessions/";

// Rows to format per turn: a part of the time that a turn may take.
constexpr std::size_t kRowsAtOnce = 100;

// The most characters of a query in the log.
constexpr std::size_t kMostLogged = 200;

http::Response JsonResponse(std::string body) {
  http::Response response;
  response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

http::Response JsonResponse(const Json& json) {
  return JsonResponse(DumpJson(json) + "\n");
}

Problem NoSession(std::uint64_t id) {
  return {404, fmt::format("there is no session {}; it may be over", id)};
}

std::string CallerOf(const http::Exchange& exchange) {
  return "admin client " + ToString(exchange.client_address());
}

// A client that waits for a response. The operation goes on if the client goes away.
class Waiting final : public http::ExchangeHandler {
 public:
  explicit Waiting(http::Exchange& exchange) : exchange_(exchange) {}
  // Returns a function that answers the client if it is still there; to be called on its loop.
  std::function<void(http::Response)> Reply() {
    return [this, alive = std::weak_ptr<int>(alive_)](http::Response response) {
      if (!alive.expired()) exchange_.Respond(std::move(response));
    };
  }

 private:
  http::Exchange& exchange_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

std::unique_ptr<http::ExchangeHandler> Refuse(http::Exchange& exchange, const Problem& problem) {
  exchange.Respond(ErrorResponse(problem));
  return nullptr;
}

std::unique_ptr<http::ExchangeHandler> RefuseMethod(http::Exchange& exchange,
                                                    std::string_view allowed) {
  http::Response response = ErrorResponse(
      {405, fmt::format("{} is not possible here; {} are", exchange.request().method, allowed)});
  response.headers.Add("Allow", allowed);
  exchange.Respond(std::move(response));
  return nullptr;
}

bool IsRead(const http::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

// "there is no route '/cht'; did you mean '/chat'?"
Problem Unknown(std::string_view what, std::string_view name,
                const std::vector<std::string>& known) {
  const std::string_view near = NearestOf(name, known);
  return {404, fmt::format("there is no {} '{}'; {}", what, config::Excerpt(name),
                           near.empty() ? "GET /stats lists what there is"
                                        : fmt::format("did you mean '{}'?", near))};
}

template <class Records>
std::vector<std::string> NamesOf(const Records& records) {
  std::vector<std::string> names;
  for (const auto& record : records) names.push_back(record->name);
  return names;
}

std::vector<std::string> ServersOf(const Generation& generation) {
  std::vector<std::string> urls;
  for (const auto& [name, backend] : generation.backends) {
    for (const auto& server : backend->servers) urls.push_back(server->url);
  }
  return urls;
}

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool Operations::Handles(std::string_view path) {
  return path == kSessions || path.starts_with(kOneSession) || path == "/drain" ||
         path == "/undrain";
}

std::unique_ptr<http::ExchangeHandler> Operations::OnRequest(http::Exchange& exchange) {
  const std::string& path = exchange.request().target.path;
  if (running_ >= kMostAtOnce) {
    http::Response busy = ErrorResponse({503, "too many operations in progress; try again later"});
    busy.headers.Add("Retry-After", "1");
    exchange.Respond(std::move(busy));
    return nullptr;
  }
  if (path == kSessions) return OnSessions(exchange);
  if (path.starts_with(kOneSession))
    return OnSession(exchange, std::string_view(path).substr(kOneSession.size()));
  if (exchange.request().method != "POST") return RefuseMethod(exchange, "POST");
  return OnDrain(exchange, path == "/drain");
}

// ---- asking the loops

template <class Part>
void Operations::AskAll(const std::function<void(Gateway&, std::function<void(Part)>)>& ask,
                        std::function<void(Part)> merge, std::function<void()> done) {
  struct Asked {
    std::size_t missing;
    std::function<void(Part)> merge;
    std::function<void()> done;
  };
  auto asked = std::make_shared<Asked>(setup_.loops, std::move(merge), std::move(done));
  ++running_;
  for (std::size_t i = 0; i < setup_.loops; ++i) {
    setup_.post(i, [this, ask, asked](Gateway& gateway) {
      ask(gateway, [this, asked](Part part) {
        setup_.post(0, [this, asked, found = std::move(part)](Gateway&) mutable {
          asked->merge(std::move(found));
          if (--asked->missing > 0) return;
          --running_;
          asked->merge = nullptr;
          std::exchange(asked->done, nullptr)();
        });
      });
    });
  }
}

template <class Part>
void Operations::AskOne(std::uint64_t session, std::function<Part(Gateway&)> ask,
                        std::function<void(Part)> done) {
  ++running_;
  setup_.post(LoopOf(session), [this, look = std::move(ask),
                                tell = std::move(done)](Gateway& gateway) mutable {
    setup_.post(0, [this, found = look(gateway), told = std::move(tell)](Gateway&) mutable {
      --running_;
      told(std::move(found));
    });
  });
}

// ---- sessions

std::unique_ptr<http::ExchangeHandler> Operations::OnSessions(http::Exchange& exchange) {
  if (IsRead(exchange.request())) return Find(exchange);
  if (exchange.request().method == "DELETE") return Close(exchange);
  return RefuseMethod(exchange, "GET, HEAD, DELETE");
}

std::unique_ptr<http::ExchangeHandler> Operations::OnSession(http::Exchange& exchange,
                                                             std::string_view id) {
  const http::Request& request = exchange.request();
  if (!IsRead(request) && request.method != "DELETE")
    return RefuseMethod(exchange, "GET, HEAD, DELETE");
  const auto number = ReadId(id);
  if (!number) return Refuse(exchange, number.error());
  return IsRead(request) ? FindOne(exchange, *number) : CloseOne(exchange, *number);
}

std::optional<Problem> Operations::UnknownIn(const SessionFilter& filter) const {
  const auto generation = setup_.generation();
  if (filter.route) {
    const auto names = NamesOf(generation->routes);
    if (!Has(names, *filter.route)) return Unknown("route", *filter.route, names);
  }
  if (filter.listener) {
    const auto names = NamesOf(generation->listeners);
    if (!Has(names, *filter.listener)) return Unknown("listener", *filter.listener, names);
  }
  // What resolvers find may be anything.
  const bool any = std::ranges::any_of(
      generation->routes, [](const auto& route) { return route->resolver != nullptr; });
  if (filter.server && !any) {
    auto names = ServersOf(*generation);
    for (const auto& route : generation->routes) {
      if (route->config->plugin) names.push_back("plugin:" + *route->config->plugin);
    }
    if (!Has(names, *filter.server)) return Unknown("server", *filter.server, names);
  }
  return {};
}

std::unique_ptr<http::ExchangeHandler> Operations::Find(http::Exchange& exchange) {
  constexpr std::array<std::string_view, 9> kKnown{
      "route", "server", "listener", "client", "subprotocol", "user", "limit", "after", "sort"};
  const auto query = ReadRequest(exchange.request(), kKnown, ReadQuery);
  if (!query) return Refuse(exchange, query.error());
  auto waiting = std::make_unique<Waiting>(exchange);
  auto page = std::make_shared<SessionPage>(query->limit, query->after);
  AskAll<SessionPage>(
      [asked = *query](Gateway& gateway, std::function<void(SessionPage)> found) {
        gateway.FindSessions(asked, std::move(found));
      },
      [page](SessionPage part) { page->Merge(std::move(part)); },
      [this, page, asked = *query, reply = waiting->Reply()] {
        // Open sessions may belong to routes or servers that are not configured any more; so the
        // names are checked only if nothing was found.
        if (page->total() == 0) {
          if (const auto unknown = UnknownIn(asked.filter)) return reply(ErrorResponse(*unknown));
        }
        WritePage(std::make_shared<PageText>(std::move(*page), asked.order), reply);
      });
  return waiting;
}

void Operations::WritePage(const std::shared_ptr<PageText>& text,
                           const std::function<void(http::Response)>& reply) {
  if (text->Write(kRowsAtOnce)) return reply(JsonResponse(text->Take()));
  setup_.post(0, [this, text, reply](Gateway&) { WritePage(text, reply); });
}

std::unique_ptr<http::ExchangeHandler> Operations::Close(http::Exchange& exchange) {
  constexpr std::array<std::string_view, 9> kKnown{
      "route", "server", "listener", "client", "subprotocol", "user", "code", "reason", "spread"};
  const auto parameters = ReadParameters(exchange.request(), kKnown);
  if (!parameters) return Refuse(exchange, parameters.error());
  const auto filter = ReadFilter(*parameters);
  if (!filter) return Refuse(exchange, filter.error());
  if (filter->empty())
    return Refuse(exchange, {400,
                             "no sessions selected; at least one of route, server, listener, "
                             "client, subprotocol and user is needed"});
  const auto words = ReadClose(*parameters);
  if (!words) return Refuse(exchange, words.error());
  const auto spread = ReadSpread(*parameters);
  if (!spread) return Refuse(exchange, spread.error());
  auto waiting = std::make_unique<Waiting>(exchange);
  auto count = std::make_shared<std::size_t>(0);
  AskAll<std::size_t>(
      [order = Gateway::CloseOrder{.filter = *filter,
                                   .code = words->code,
                                   .reason = words->reason,
                                   .spread = spread->value_or(io::Millis{0})}](
          Gateway& gateway, std::function<void(std::size_t)> closed) {
        gateway.CloseSessions(order, std::move(closed));
      },
      [count](std::size_t part) { *count += part; },
      [this, count, asked = *filter, code = words->code, by = CallerOf(exchange),
       query = exchange.request().target.query.substr(0, kMostLogged), reply = waiting->Reply()] {
        const auto unknown = *count == 0 ? UnknownIn(asked) : std::nullopt;
        if (unknown) return reply(ErrorResponse(*unknown));
        setup_.log.Warn("sessions closed by an operator", {{"by", by},
                                                           {"which", query},
                                                           {"code", std::uint64_t{code}},
                                                           {"closed", std::uint64_t{*count}}});
        reply(JsonResponse(Json{{"closed", *count}}));
      });
  return waiting;
}

std::unique_ptr<http::ExchangeHandler> Operations::FindOne(http::Exchange& exchange,
                                                           std::uint64_t id) {
  if (const auto parameters = ReadParameters(exchange.request(), {}); !parameters)
    return Refuse(exchange, parameters.error());
  auto waiting = std::make_unique<Waiting>(exchange);
  using Found = std::optional<SessionRow>;
  AskOne<Found>(
      id,
      [id](Gateway& gateway) -> Found {
        const session::Session* const open = gateway.FindSession(id);
        if (open == nullptr) return {};
        return upgrade::RowOf(*open, gateway.loop().timers.Now());
      },
      [id, reply = waiting->Reply()](const Found& found) {
        if (!found) return reply(ErrorResponse(NoSession(id)));
        std::string text;
        AppendSession(text, *found);
        reply(JsonResponse(text + "\n"));
      });
  return waiting;
}

std::unique_ptr<http::ExchangeHandler> Operations::CloseOne(http::Exchange& exchange,
                                                            std::uint64_t id) {
  constexpr std::array<std::string_view, 2> kKnown{"code", "reason"};
  const auto words = ReadRequest(exchange.request(), kKnown, ReadClose);
  if (!words) return Refuse(exchange, words.error());
  auto waiting = std::make_unique<Waiting>(exchange);
  AskOne<bool>(
      id,
      [id, close = *words](Gateway& gateway) {
        return gateway.CloseSession(id, close.code, close.reason);
      },
      [this, id, code = words->code, by = CallerOf(exchange),
       reply = waiting->Reply()](bool closed) {
        if (!closed) return reply(ErrorResponse(NoSession(id)));
        setup_.log.Warn("session closed by an operator",
                        {{"by", by}, {"id", id}, {"code", std::uint64_t{code}}});
        reply(JsonResponse(Json{{"closed", 1}}));
      });
  return waiting;
}

// ---- drain

struct Operations::Drainable {
  std::string what;
  std::string name;
  // One row per backend: a URL in two backends is two servers.
  std::vector<std::shared_ptr<std::atomic<bool>>> switches;

  template <class Row>
  void Add(const std::shared_ptr<Row>& row) {
    switches.emplace_back(row, &row->drained);
  }
};

Read<Operations::Drainable> Operations::ReadDrainable(const Parameters& parameters) const {
  constexpr std::array<std::string_view, 3> kKinds{"server", "route", "listener"};
  Drainable found;
  int kinds = 0;
  for (const std::string_view kind : kKinds) {
    const auto it = parameters.find(kind);
    if (it == parameters.end()) continue;
    ++kinds;
    found = {std::string(kind), it->second, {}};
  }
  if (kinds != 1)
    return std::unexpected(
        Problem{400, "exactly one of server=URL, route=NAME and listener=ADDRESS is needed"});
  const auto generation = setup_.generation();
  const auto add_named = [&](const auto& records) {
    for (const auto& record : records) {
      if (record->name == found.name) found.Add(record->row);
    }
    return NamesOf(records);
  };
  std::vector<std::string> known;
  if (found.what == "route") {
    known = add_named(generation->routes);
  } else if (found.what == "listener") {
    known = add_named(generation->listeners);
  } else {
    known = ServersOf(*generation);
    for (const auto& [name, backend] : generation->backends) {
      for (const auto& server : backend->servers) {
        if (server->url == found.name) found.Add(server->row);
      }
    }
  }
  if (found.switches.empty()) return std::unexpected(Unknown(found.what, found.name, known));
  return found;
}

std::unique_ptr<http::ExchangeHandler> Operations::OnDrain(http::Exchange& exchange, bool drain) {
  constexpr std::array<std::string_view, 4> kKnown{"server", "route", "listener", "spread"};
  const auto known = std::span(kKnown).first(drain ? 4 : 3);
  const auto parameters = ReadParameters(exchange.request(), known);
  if (!parameters) return Refuse(exchange, parameters.error());
  auto what = ReadDrainable(*parameters);
  if (!what) return Refuse(exchange, what.error());
  const auto spread = ReadSpread(*parameters);
  if (!spread) return Refuse(exchange, spread.error());
  for (const auto& drained : what->switches) drained->store(drain);
  setup_.log.Warn(drain ? "drained by an operator" : "put back by an operator",
                  {{"by", CallerOf(exchange)}, {"what", what->what}, {"name", what->name}});
  if (drain)
    return Drain(exchange, std::move(*what),
                 spread->value_or(setup_.generation()->config->drain_spread));
  exchange.Respond(
      JsonResponse(Json{{"what", what->what}, {"name", what->name}, {"drained", false}}));
  return nullptr;
}

std::unique_ptr<http::ExchangeHandler> Operations::Drain(http::Exchange& exchange, Drainable what,
                                                         io::Millis spread) {
  Gateway::CloseOrder order{.filter = {},
                            .code = ws::close_code::kServiceRestart,
                            .reason = std::string(upgrade::kDrainedReason),
                            .spread = spread,
                            .only_drained = true};
  (what.what == "server"  ? order.filter.server
   : what.what == "route" ? order.filter.route
                          : order.filter.listener) = what.name;
  auto waiting = std::make_unique<Waiting>(exchange);
  auto count = std::make_shared<std::size_t>(0);
  AskAll<std::size_t>(
      [order](Gateway& gateway, std::function<void(std::size_t)> closing) {
        gateway.CloseSessions(order, std::move(closing));
      },
      [count](std::size_t part) { *count += part; },
      [count, drained = std::move(what), reply = waiting->Reply()] {
        reply(JsonResponse(Json{{"what", drained.what},
                                {"name", drained.name},
                                {"drained", true},
                                {"closing", *count}}));
      });
  return waiting;
}

}  // namespace upgate::admin
