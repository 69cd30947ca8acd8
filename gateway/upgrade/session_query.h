#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/io/timers.h"
#include "gateway/session/session.h"

namespace upgate::upgrade {

// Queries of operators about open sessions. No I/O, not tied to a loop: each loop answers with a
// page of its own, and the requester merges the pages. Not thread-safe.

// What is behind a session: the URL of its server, or "plugin:NAME".
const std::string& FarEndOf(const session::Facts& facts);

// Selects sessions: all members that are set must match. Names are compared as a whole.
struct SessionFilter {
  std::optional<std::string> route;
  std::optional<std::string> server;  // as FarEndOf
  std::optional<std::string> listener;
  std::optional<std::string> subprotocol;
  std::optional<std::string> user;
  std::optional<Cidr> client;

  bool empty() const { return !route && !server && !listener && !subprotocol && !user && !client; }
  // A client without a known address (on a unix socket, or hidden by a proxy) matches no block.
  bool Matches(const session::Session& session) const;
};

enum class SessionOrder : std::uint8_t {
  kId,
  kBytes,  // most first, both ways together
  kAge,    // oldest first
  kIdle,   // idle for the longest time first
};

// The position of a session in an order: smaller is earlier. The id breaks ties.
struct SessionRank {
  std::uint64_t key = 0;  // 0 in the order of ids
  std::uint64_t id = 0;
  friend auto operator<=>(const SessionRank&, const SessionRank&) = default;
};
// `clock_start_ms` converts times of the session's loop to the clock that all loops share.
SessionRank RankOf(const session::Session& session, SessionOrder order,
                   std::uint64_t clock_start_ms);

struct SessionQuery {
  SessionFilter filter;
  SessionOrder order = SessionOrder::kId;
  std::size_t limit = 100;  // at least 1
  SessionRank after;        // only sessions after this one; {} for the first page
};

// A copy of what is known about a session.
struct SessionRow {
  std::uint64_t id = 0;
  std::string route;
  std::string server;
  std::string client;
  std::string listener;
  std::string subprotocol;
  std::string user;  // empty: nobody
  std::string_view dialect;
  std::int64_t opened_unix_s = 0;
  io::Millis age{};
  io::Millis idle{};
  session::Totals totals;
  std::size_t queued = 0;    // bytes, towards both peers
  std::uint32_t rtt_us = 0;  // microseconds; 0: not known
};
// `now` is the time on the clock of the session's loop.
SessionRow RowOf(const session::Session& session, io::Instant now);

// Collects the first `limit` sessions after `after` out of any number that are offered in any
// order, and counts those that match. Holds at most `limit` rows.
class SessionPage {
 public:
  SessionPage(std::size_t limit, SessionRank after) : limit_(limit), after_(after) {}

  // Counts a session that matches the filter. True if its row is wanted: Add follows then.
  bool Offer(const SessionRank& rank);
  void Add(const SessionRank& rank, std::unique_ptr<const SessionRow> row);
  // Adds what another loop found for the same query.
  void Merge(SessionPage other);

  std::size_t total() const { return total_; }
  // Sorts the rows.
  struct Rows {
    std::vector<std::unique_ptr<const SessionRow>> rows;
    std::optional<SessionRank> next;  // `after` of the next page; nullopt: this is the last
  };
  Rows Take() &&;

 private:
  struct Entry {
    SessionRank rank;
    std::unique_ptr<const SessionRow> row;
  };
  static bool Earlier(const Entry& a, const Entry& b) { return a.rank < b.rank; }
  bool Fits(const SessionRank& rank) const {
    return entries_.size() < limit_ || rank < entries_.front().rank;
  }

  std::size_t limit_;
  SessionRank after_;
  std::size_t total_ = 0;
  std::size_t behind_ = 0;      // of those, how many come after `after_`
  std::vector<Entry> entries_;  // a max-heap by rank
};

}  // namespace upgate::upgrade
