#include "gateway/upgrade/session_query.h"

#include <algorithm>

#include "gateway/route/origin.h"
#include "gateway/upgrade/route_context.h"

namespace upgate::upgrade {

const std::string& FarEndOf(const session::Facts& facts) {
  return facts.server != nullptr ? facts.server->record.url : ContextOf(facts.slot).service_name();
}

namespace {

std::string_view ListenerOf(const session::Facts& facts) {
  const http::ClientPlaces* places = facts.place.owner();
  return places != nullptr ? std::string_view(places->listener()) : std::string_view();
}

std::uint64_t Count(io::Instant at) {
  return static_cast<std::uint64_t>(at.time_since_epoch().count());
}

}  // namespace

bool SessionFilter::Matches(const session::Session& session) const {
  const session::Facts& facts = session.facts();
  if (route && ContextOf(facts.slot).name() != *route) return false;
  if (server && FarEndOf(facts) != *server) return false;
  if (listener && ListenerOf(facts) != *listener) return false;
  if (subprotocol && facts.subprotocol != *subprotocol) return false;
  if (user && facts.user() != *user) return false;
  if (!client) return true;
  const std::optional<Ip> ip = route::ClientAddress(facts.client);
  return ip && client->Contains(*ip);
}

SessionRank RankOf(const session::Session& session, SessionOrder order,
                   std::uint64_t clock_start_ms) {
  SessionRank rank{0, session.facts().id};
  switch (order) {
    case SessionOrder::kId:
      break;
    case SessionOrder::kBytes:
      rank.key = ~(session.totals().bytes_in + session.totals().bytes_out);
      break;
    case SessionOrder::kAge:
      rank.key = clock_start_ms + Count(session.facts().opened);
      break;
    case SessionOrder::kIdle:
      rank.key = clock_start_ms + Count(session.vitals().active);
      break;
  }
  return rank;
}

SessionRow RowOf(const session::Session& session, io::Instant now) {
  const session::Facts& facts = session.facts();
  const session::Vitals vitals = session.vitals();
  return {.id = facts.id,
          .route = ContextOf(facts.slot).name(),
          .server = FarEndOf(facts),
          .client = facts.client,
          .listener = std::string(ListenerOf(facts)),
          .subprotocol = facts.subprotocol,
          .user = std::string(facts.user()),
          .dialect = NameOf(facts.dialect),
          .opened_unix_s = facts.opened_unix_s,
          .age = now - facts.opened,
          .idle = now - vitals.active,
          .totals = session.totals(),
          .queued = vitals.queued,
          .rtt_us = vitals.rtt_us};
}

bool SessionPage::Offer(const SessionRank& rank) {
  ++total_;
  if (rank <= after_) return false;
  ++behind_;
  return Fits(rank);
}

void SessionPage::Add(const SessionRank& rank, std::unique_ptr<const SessionRow> row) {
  if (!Fits(rank)) return;
  if (entries_.size() == limit_) {
    std::ranges::pop_heap(entries_, Earlier);
    entries_.pop_back();
  }
  entries_.push_back({rank, std::move(row)});
  std::ranges::push_heap(entries_, Earlier);
}

void SessionPage::Merge(SessionPage other) {
  total_ += other.total_;
  behind_ += other.behind_;
  for (Entry& entry : other.entries_) Add(entry.rank, std::move(entry.row));
}

SessionPage::Rows SessionPage::Take() && {
  std::ranges::sort_heap(entries_, Earlier);
  Rows rows;
  if (behind_ > entries_.size() && !entries_.empty()) rows.next = entries_.back().rank;
  rows.rows.reserve(entries_.size());
  for (Entry& entry : entries_) rows.rows.push_back(std::move(entry.row));
  return rows;
}

}  // namespace upgate::upgrade
