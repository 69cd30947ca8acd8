// Operators' functions of the gateway: finding and closing sessions, drained targets.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "gateway/upgrade/drained.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/session_query.h"

namespace upgate::upgrade {
namespace {

bool IsSet(const std::atomic<bool>& flag) {
  return flag.load(std::memory_order_relaxed);
}

}  // namespace

http::Response RetryLaterResponse(std::string_view why, std::chrono::seconds after) {
  http::Response response = http::TextResponse(503, why);
  response.headers.Add("Retry-After", std::to_string(after.count()));
  return response;
}

void Gateway::FindSessions(const SessionQuery& query, std::function<void(SessionPage)> done) {
  auto page = std::make_shared<SessionPage>(query.limit, query.after);
  sessions_.Walk(
      [this, page, filter = query.filter, order = query.order](session::Session& session) {
        if (!filter.Matches(session)) return;
        const SessionRank rank = RankOf(session, order, clock_start_ms_);
        if (!page->Offer(rank)) return;
        page->Add(rank,
                  std::make_unique<const SessionRow>(RowOf(session, context_.loop.timers.Now())));
      },
      [page, tell = std::move(done)] { tell(std::move(*page)); });
}

void Gateway::CloseSessions(const CloseOrder& order, std::function<void(std::size_t)> done) {
  auto ids = std::make_shared<std::vector<std::uint64_t>>();
  sessions_.Walk(
      [this, ids, filter = order.filter,
       only_drained = order.only_drained](session::Session& session) {
        if (filter.Matches(session) && (!only_drained || IsDrained(session)))
          ids->push_back(session.facts().id);
      },
      [this, ids, order, tell = std::move(done)] {
        const std::size_t count = ids->size();
        CloseOver(*ids, order);
        tell(count);
      });
}

void Gateway::CloseOver(const std::vector<std::uint64_t>& ids, const CloseOrder& order) {
  if (ids.empty()) return;
  SpreadCloses::Reason reason{order.code, order.reason, nullptr};
  if (order.only_drained) {
    reason.still_wanted = [this](std::uint64_t id) {
      const session::Session* open = sessions_.Find(id);
      return open != nullptr && IsDrained(*open);
    };
  }
  closes_.Add(ids, order.spread, std::move(reason));
}

void Gateway::CloseSessionsOf(const std::shared_ptr<const backend::ServerRecord>& server) {
  auto ids = std::make_shared<std::vector<std::uint64_t>>();
  sessions_.Walk(
      [ids, server](session::Session& session) {
        const session::Facts& facts = session.facts();
        if (facts.server != nullptr && &facts.server->record == server.get())
          ids->push_back(facts.id);
      },
      [this, ids, server] { CloseWhileDown(*ids, server); });
}

void Gateway::CloseWhileDown(const std::vector<std::uint64_t>& ids,
                             std::shared_ptr<const backend::ServerRecord> server) {
  if (ids.empty()) return;
  closes_.Add(ids, routes_.generation().config->drain_spread,
              {.code = ws::close_code::kServiceRestart,
               .text = "the server behind this session is down",
               .still_wanted = [fallen = std::move(server)](std::uint64_t) {
                 return fallen->health.down();
               }});
}

bool Gateway::CloseSession(std::uint64_t id, std::uint16_t code, std::string_view reason) {
  session::Session* const open = sessions_.Find(id);
  if (open != nullptr) open->End(code, reason);
  return open != nullptr;
}

bool Gateway::IsDrained(const session::Session& session) const {
  const session::Facts& facts = session.facts();
  if (facts.server != nullptr && facts.server->record.drained()) return true;
  if (IsSet(ContextOf(facts.slot).record().row->drained)) return true;
  const http::ClientPlaces* const places = facts.place.owner();
  return places != nullptr &&
         std::ranges::any_of(routes_.generation().listeners, [&](const auto& listener) {
           return IsSet(listener->row->drained) && listener->name == places->listener();
         });
}

std::unique_ptr<http::ExchangeHandler> Gateway::RefuseDrained(http::Exchange& exchange,
                                                              const config::Listener& listener,
                                                              const route::SeenAs& seen,
                                                              RouteContext* route) {
  const std::string_view why = route != nullptr ? "this route is drained; try again later"
                                                : "this listener is drained; try again later";
  if (ws::IsHandshake(exchange.request(), listener.dialects)) {
    if (route != nullptr) route->Count(stats::HandshakeOutcome::kDrained);
    LogRefusal(exchange.request(), route, seen, 503, why);
  } else {
    exchange.IgnoreUpgrade();
  }
  exchange.Respond(RetryLaterResponse(why));
  return nullptr;
}

}  // namespace upgate::upgrade
