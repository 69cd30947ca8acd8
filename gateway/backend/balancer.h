#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/backend/server.h"
#include "gateway/io/network.h"

namespace upgate::backend {

inline constexpr std::size_t kNoServer = static_cast<std::size_t>(-1);

// Servers of a later tier get clients only while none of an earlier one can take them; backups come
// last.
std::pair<bool, std::uint32_t> TierOf(const config::Server& server);

// What a request says about its server.
struct Wish {
  std::optional<std::uint64_t> key;   // HashOf what balance: hash goes by
  std::optional<std::size_t> server;  // where its cookie leads, as long as that can take it
};

// One client's search for a server, from its first choice to an answer.
struct Search {
  Wish wish;
  // For a WebSocket session: it counts as in use, and where the server speaks WebSocket itself only
  // its answer shows that it works.
  bool for_session = false;
  std::vector<bool> tried;  // empty: none yet
  std::uint32_t tries = 0;  // servers that failed

  bool HasTried(std::size_t server) const { return !tried.empty() && tried[server]; }
  // `servers`: how many there are.
  void MarkTried(std::size_t server, std::size_t servers) {
    tried.resize(servers);
    tried[server] = true;
    ++tries;
  }
};

// Chooses servers for the clients of one loop, as the backend says: round robin (smoothly, by
// weight), the fewest sessions for the weight, the better of two random ones, or by a hash. Passed
// over are servers that were tried, are drained, ejected, down or full, and backups, as long as
// another one can be had. No I/O, no clock. Borrows the backend.
class Balancer {
 public:
  // `index` of the loop: the turn begins elsewhere on each, so that they do not all start at the
  // same server.
  Balancer(const BackendRecord& backend, io::Entropy& entropy, std::size_t index);

  struct Choice {
    std::size_t server = kNoServer;
    // An ejected server, seen in passing, that is due for its trial: see ServerHealth.
    std::size_t due = kNoServer;
  };
  Choice Choose(const Search& search, SharedMs now);

 private:
  // What one choice goes by.
  struct Call {
    const Search& search;
    SharedMs now;
    std::size_t tier = 0;  // which ones to look at
    std::size_t due = kNoServer;
  };

  const config::Server& config(std::size_t server) const {
    return backend_.config->servers[server];
  }
  std::size_t size() const { return backend_.servers.size(); }
  bool CanTake(std::size_t server, Call& call) const;
  bool Fits(std::size_t server, Call& call) const {
    return tier_[server] == call.tier && CanTake(server, call);
  }
  std::uint64_t Weight(std::size_t server, SharedMs now) const {
    return std::uint64_t{config(server).weight} *
           backend_.servers[server]->health.Ramp(now, backend_.config->slow_start);
  }
  std::size_t ByPolicy(Call& call);
  std::size_t InTurn(Call& call);
  std::size_t InTurnByWeight(Call& call);
  std::size_t FewestSessions(Call& call);
  std::size_t BetterOfTwo(Call& call);
  std::size_t ByHash(Call& call);
  std::size_t Draw(std::size_t tier);
  bool IsLighter(std::size_t a, std::size_t b, SharedMs now) const;
  std::uint64_t Random();

  const BackendRecord& backend_;
  io::Entropy& entropy_;
  std::vector<std::size_t> tier_;   // by server; none is left out
  bool weighted_ = false;           // the turns are not all equal, or not always
  std::size_t next_;                // whose turn it is
  std::vector<std::int64_t> debt_;  // of the smooth round robin, by server
  struct Share {
    std::uint64_t until;  // of all weights before and its own
    std::size_t server;
  };
  std::vector<std::vector<Share>> shares_;  // by tier
  std::uint64_t random_ = 0;                // state; 0: not begun
};

}  // namespace upgate::backend
