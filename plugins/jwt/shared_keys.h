#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "gateway/plugin/auth.h"
#include "plugins/jwt/key_set.h"

namespace upgate::plugins {

// The JWK set of a URL, which one loop at a time fetches for all. It says who fetches, and when;
// the fetching is up to RemoteKeys. Times are those of the loops' clocks, which begin at about the
// same time. Thread-safe.
class SharedKeys {
 public:
  static constexpr io::Millis kPause{10'000};  // at least, between two requests

  // One loop's part.
  class Member {
   public:
    virtual plugin::AuthHost& host() = 0;
    // On its loop's thread, by way of AuthHost::Post: another loop has fetched, or given up.
    virtual void OnNews() = 0;

   protected:
    ~Member() = default;
  };

  // As long as it is a member, it outlives the calls. After Leave nothing is posted to it.
  void Join(Member& member);
  void Leave(Member& member);

  // What there is, and what its reader should do.
  struct State {
    enum class Turn {
      kFetch,    // fetch, and then call Finish: nobody else fetches until then
      kWait,     // OnNews comes
      kTooSoon,  // there is nothing to be had before `next`
    };
    Turn turn = Turn::kWait;
    std::shared_ptr<const KeySet> keys;  // nullptr: none yet
    io::Instant next{};
  };
  // `known`: the keys that the member has; if there are others already, there is news to wait for.
  // `needed`: newer keys are needed, also before `next`, but not more often than every kPause.
  State Ask(Member& member, io::Instant now, const KeySet* known, bool needed);
  // `keys`: nullptr if they could not be fetched. The next request is due at `next`. Posts to the
  // other members.
  void Finish(Member& member, std::shared_ptr<const KeySet> keys, io::Instant next);

 private:
  void PostNews(const Member& except);

  std::mutex mutex_;  // of all that follows
  std::vector<Member*> members_;
  std::shared_ptr<const KeySet> keys_;
  io::Instant next_{};   // when the keys are no longer fresh
  io::Instant pause_{};  // not earlier
  Member* fetching_ = nullptr;
};

}  // namespace upgate::plugins
