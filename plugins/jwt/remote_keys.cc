#include "plugins/jwt/remote_keys.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace upgate::plugins {

RemoteKeys::RemoteKeys(const HttpUrl& url, tls::ClientContext* context, plugin::AuthHost& host)
    : url_(url), context_(context), host_(host), loop_(host.loop()), timer_(loop_.timers, *this) {
  Fetch();
}

RemoteKeys::~RemoteKeys() {
  if (call_) loop_.turn.DeferDelete(std::move(call_));
}

bool RemoteKeys::Renew(KeyWaiter& waiter) {
  if (waiters_.size() >= kMostWaiters) return false;
  if (!call_) {
    if (loop_.timers.Now() < asked_ + kPause) return false;
    Fetch();
  }
  waiters_.push_back(&waiter);
  return true;
}

void RemoteKeys::Leave(KeyWaiter& waiter) {
  std::erase(waiters_, &waiter);
}

void RemoteKeys::Fetch() {
  asked_ = loop_.timers.Now();
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
  if (!call_) return Fetch();
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
  keys_ = std::make_shared<const KeySet>(std::move(*set));
  Finish(std::clamp(FreshnessOf(answer.headers).value_or(kFresh), kPause, kLongest));
}

void RemoteKeys::ReportFailure(std::string why) {
  if (why != failure_) {
    host_.log().Warn("key set failed", {{"auth", host_.name()},
                                        {"server", url_.authority},
                                        {"why", why},
                                        {"kept", keys_ ? keys_->size() : std::size_t{0}}});
  }
  failure_ = std::move(why);
  Finish(kPause);
}

void RemoteKeys::Finish(io::Millis next) {
  loop_.turn.DeferDelete(std::move(call_));
  timer_.Arm(next);
  while (!waiters_.empty()) {
    KeyWaiter* const waiter = waiters_.back();
    waiters_.pop_back();
    waiter->OnKeys();
  }
}

}  // namespace upgate::plugins
