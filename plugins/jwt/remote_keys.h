#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/plugin/auth.h"
#include "plugins/http_call/http_call.h"
#include "plugins/http_call/http_url.h"
#include "plugins/jwt/key_source.h"
#include "plugins/jwt/shared_keys.h"

namespace upgate::plugins {

// One loop's view of a JWK set of a URL. It is fetched at the start, when it is no longer fresh by
// its Cache-Control, and when a token needs a key that is not there, but not more often than every
// SharedKeys::kPause; by one loop for all. While it cannot be fetched, or what is fetched is of no
// use, the keys at hand stay. Redirects are not followed. On its loop's thread.
class RemoteKeys final : public KeySource,
                         private SharedKeys::Member,
                         private HttpCall::Handler,
                         private io::Timer::Owner {
 public:
  static constexpr io::Millis kTimeout{5'000};  // of a request
  static constexpr io::Millis kFresh{300'000};  // of an answer that does not say
  static constexpr io::Millis kLongest{86'400'000};
  static constexpr std::size_t kMostWaiters = 1024;

  // `context`: for an https URL, else nullptr. Everything outlives the keys.
  RemoteKeys(SharedKeys& shared, const HttpUrl& url, tls::ClientContext* context,
             plugin::AuthHost& host);
  ~RemoteKeys() override;

  std::shared_ptr<const KeySet> keys() const override { return keys_; }
  bool Renew(KeyWaiter& waiter) override;
  void Leave(KeyWaiter& waiter) override;

 private:
  plugin::AuthHost& host() override { return host_; }
  void OnNews() override;
  void OnAnswer(http::Response answer) override;
  void OnFailed(std::string why) override;
  void OnTimer(io::Timer& timer) override;

  // Fetches if that is due and up to this loop, or waits.
  SharedKeys::State::Turn LookAround();
  void Fetch();
  // `keys`: nullptr if there are none in the answer.
  void Finish(std::shared_ptr<const KeySet> keys, io::Millis next);
  void ReportFailure(std::string why);
  void CallWaiters();

  SharedKeys& shared_;
  const HttpUrl& url_;
  tls::ClientContext* const context_;
  plugin::AuthHost& host_;
  io::Loop loop_;
  std::shared_ptr<const KeySet> keys_;
  std::vector<KeyWaiter*> waiters_;
  std::string failure_;  // the last one, so that it is logged once
  io::Timer timer_;      // of the request under way, or until the next
  std::unique_ptr<HttpCall> call_;
};

}  // namespace upgate::plugins
