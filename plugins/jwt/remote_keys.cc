#include "plugins/jwt/remote_keys.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace upgate::plugins {

using Turn = SharedKeys::State::Turn;

RemoteKeys::RemoteKeys(SharedKeys& shared, const HttpUrl& url, tls::ClientContext* context,
                       plugin::AuthHost& host)
    : shared_(shared),
      url_(url),
      context_(context),
      host_(host),
      loop_(host.loop()),
      timer_(loop_.timers, *this) {
  shared_.Join(*this);
  LookAround();
}

// The call goes at once, with the other members: until the end of the turn it could still answer.
RemoteKeys::~RemoteKeys() {
  shared_.Leave(*this);
}

Turn RemoteKeys::LookAround() {
  const io::Instant now = loop_.timers.Now();
  const SharedKeys::State state = shared_.Ask(*this, now, keys_.get(), false);
  keys_ = state.keys;
  if (state.turn == Turn::kFetch) {
    Fetch();
  } else {
    // OnNews comes before, unless the other loop has lost its request.
    timer_.Arm(state.turn == Turn::kWait ? SharedKeys::kPause : state.next - now);
  }
  return state.turn;
}

bool RemoteKeys::Renew(KeyWaiter& waiter) {
  if (waiters_.size() >= kMostWaiters) return false;
  if (!call_) {
    const auto state = shared_.Ask(*this, loop_.timers.Now(), keys_.get(), true);
    if (state.turn == Turn::kTooSoon) return false;
    if (state.turn == Turn::kFetch) Fetch();
  }
  waiters_.push_back(&waiter);
  return true;
}

void RemoteKeys::Leave(KeyWaiter& waiter) {
  std::erase(waiters_, &waiter);
}

void RemoteKeys::OnNews() {
  if (call_) return;
  const std::shared_ptr<const KeySet> before = keys_;
  const Turn turn = LookAround();
  // Where another loop fetches instead of one that has left, its news are those to wait for.
  const bool wait = turn == Turn::kFetch || (turn == Turn::kWait && keys_ == before);
  if (!wait) CallWaiters();
}

void RemoteKeys::Fetch() {
  http::OutgoingRequest request;
  request.method = "GET";
  request.target = url_.target;
  request.headers.Add("Host", url_.authority);
  request.headers.Add("Accept", "application/jwk-set+json, application/json");
  HttpCall::Handler& handler = *this;
  call_ = std::make_unique<HttpCall>(loop_, host_.scratch(), url_.server, context_,
                                     std::move(request), KeySet::kMostBytes, handler);
  timer_.Arm(kTimeout);
}

void RemoteKeys::OnTimer(io::Timer&) {
  if (!call_) {
    LookAround();
    return;
  }
  call_.reset();
  ReportFailure("has not answered in time");
}

void RemoteKeys::OnFailed(std::string why) {
  ReportFailure(why.starts_with(' ') ? why.substr(1) : "cannot be asked" + why);
}

void RemoteKeys::OnAnswer(http::Response answer) {
  if (answer.status != 200) return ReportFailure(fmt::format("answered {}", answer.status));
  auto set = KeySet::Parse(answer.body);
  if (!set) return ReportFailure("gave a document that " + set.error());
  failure_.clear();
  host_.log().Debug("key set fetched", {{"auth", host_.name()}, {"keys", set->size()}});
  Finish(std::make_shared<const KeySet>(std::move(*set)),
         std::clamp(FreshnessOf(answer.headers).value_or(kFresh), SharedKeys::kPause, kLongest));
}

void RemoteKeys::ReportFailure(std::string why) {
  if (why != failure_) {
    host_.log().Warn("key set failed", {{"auth", host_.name()},
                                        {"server", url_.authority},
                                        {"why", why},
                                        {"kept", keys_ ? keys_->size() : std::size_t{0}}});
  }
  failure_ = std::move(why);
  Finish(nullptr, SharedKeys::kPause);
}

void RemoteKeys::Finish(std::shared_ptr<const KeySet> keys, io::Millis next) {
  loop_.turn.DeferDelete(std::move(call_));
  if (keys) keys_ = keys;
  shared_.Finish(*this, std::move(keys), loop_.timers.Now() + next);
  timer_.Arm(next);
  CallWaiters();
}

void RemoteKeys::CallWaiters() {
  while (!waiters_.empty()) {
    KeyWaiter* const waiter = waiters_.back();
    waiters_.pop_back();
    waiter->OnKeys();
  }
}

}  // namespace upgate::plugins
