// The gateway's log lines about clients and sessions.
#include <span>

#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/session_query.h"
#include "gateway/upgrade/token.h"
#include "gateway/ws/handshake.h"

namespace upgate::upgrade {

void Gateway::LogBackendFailed(const RouteContext& route, std::string_view client,
                               const session::Asked& asked, int status, std::string_view why,
                               io::Seldom& lines) {
  const auto left_out = lines.Due(context_.loop.timers.Now());
  if (!left_out) return;
  shared_.log.Warn(
      "backend failed",
      {{"route", route.name()},
       {"backend", route.resolver() != nullptr ? BackendNameOf(route.config())
                                               : route.BackendFor(client)->record().config->name},
       {"client", client},
       {"host", asked.host()},
       {"path", asked.path()},
       {"origin", asked.origin()},
       {"status", std::int64_t{status}},
       {"request_id", asked.request_id()},
       {"trace_id", asked.trace_id()},
       {"why", why},
       {"left_out", *left_out}});
}

// Browsers do not reveal to pages why a handshake failed; the log does.
void Gateway::LogRefusal(const http::Request& request, const RouteContext* route,
                         const route::SeenAs& seen, int status, std::string_view why) {
  const std::span<const config::Route* const> none;
  session::Asked asked;
  if (route != nullptr) {
    asked = AskedFor(request, *route, seen);
  } else {
    asked = AskedBy(request, none, seen);
    NoteIds(asked, request);
  }
  LogRefused(seen.client, route != nullptr ? std::string_view(route->name()) : "", asked, status,
             why);
}

session::Asked Gateway::AskedFor(const http::Request& request, const RouteContext& route,
                                 const route::SeenAs& seen) const {
  session::Asked asked = AskedBy(request, route.config(), seen);
  NoteIds(asked, request);
  return asked;
}

void Gateway::LogRefused(std::string_view client, std::string_view route,
                         const session::Asked& asked, int status, std::string_view why) {
  const auto left_out = shared_.counts.refusals.Due(context_.loop.timers.Now());
  if (!left_out) return;
  shared_.log.Info("handshake refused", {{"client", client},
                                         {"route", route},
                                         {"host", asked.host()},
                                         {"path", asked.path()},
                                         {"origin", asked.origin()},
                                         {"status", std::int64_t{status}},
                                         {"request_id", asked.request_id()},
                                         {"trace_id", asked.trace_id()},
                                         {"why", why.substr(0, why.find('\n'))},
                                         {"left_out", *left_out}});
}

void Gateway::LogOpen(const session::Facts& facts, const Admission& admission) {
  shared_.log.Info("session open",
                   {{"id", facts.id},
                    {"client", facts.client},
                    {"route", ContextOf(facts.slot).name()},
                    {"host", facts.asked.host()},
                    {"path", facts.asked.path()},
                    {"origin", facts.asked.origin()},
                    {"server", FarEndOf(facts)},
                    {"proxy_id", admission.proxy_id},
                    {"request_id", facts.asked.request_id()},
                    {"trace_id", facts.asked.trace_id()},
                    {"user", facts.user()},
                    {"subprotocol", facts.subprotocol},
                    {"extensions", admission.compression ? admission.compression->answer : ""},
                    {"dialect", NameOf(facts.dialect)}});
}

void Gateway::LogRecheck(std::uint64_t id, const plugin::AuthAnswer& answer, bool ends) {
  const session::Session* const open = sessions_.Find(id);
  const auto left_out = shared_.counts.refusals.Due(context_.loop.timers.Now());
  if (open == nullptr || !left_out) return;
  shared_.log.Info(ends ? "access revoked" : "access not checked again",
                   {{"id", id},
                    {"client", open->facts().client},
                    {"route", ContextOf(open->facts().slot).name()},
                    {"user", open->facts().user()},
                    {"why", answer.why},
                    {"left_out", *left_out}});
}

void Gateway::LogClose(const session::Session& session) {
  const session::Facts& facts = session.facts();
  const session::Ending& ending = session.ending();
  const session::Totals& totals = session.totals();
  const auto duration = context_.loop.timers.Now() - facts.opened;
  shared_.log.Info("session close", {{"id", facts.id},
                                     {"client", facts.client},
                                     {"route", ContextOf(facts.slot).name()},
                                     {"host", facts.asked.host()},
                                     {"path", facts.asked.path()},
                                     {"origin", facts.asked.origin()},
                                     {"server", FarEndOf(facts)},
                                     {"user", facts.user()},
                                     {"request_id", facts.asked.request_id()},
                                     {"trace_id", facts.asked.trace_id()},
                                     {"subprotocol", facts.subprotocol},
                                     {"dialect", NameOf(facts.dialect)},
                                     {"duration_s", static_cast<double>(duration.count()) / 1000.0},
                                     {"messages_in", totals.messages_in},
                                     {"bytes_in", totals.bytes_in},
                                     {"messages_out", totals.messages_out},
                                     {"bytes_out", totals.bytes_out},
                                     {"code", std::uint64_t{ending.code}},
                                     {"closed_by", ToString(ending.closer)},
                                     {"why", ending.why}});
}

}  // namespace upgate::upgrade
