#include "plugins/jwt/shared_keys.h"

#include <algorithm>
#include <utility>

namespace upgate::plugins {

void SharedKeys::Join(Member& member) {
  const std::lock_guard lock(mutex_);
  members_.push_back(&member);
}

// Another member has to take over what it has not finished.
void SharedKeys::Leave(Member& member) {
  const std::lock_guard lock(mutex_);
  std::erase(members_, &member);
  if (fetching_ != &member) return;
  fetching_ = nullptr;
  pause_ = {};
  next_ = {};
  PostNews(member);
}

SharedKeys::State SharedKeys::Ask(Member& member, io::Instant now, const KeySet* known,
                                  bool needed) {
  const std::lock_guard lock(mutex_);
  State state{.keys = keys_, .next = next_};
  const bool due = needed ? now >= pause_ : now >= next_;
  if (fetching_ != nullptr || (needed && keys_.get() != known)) {
    state.turn = State::Turn::kWait;
  } else if (due) {
    fetching_ = &member;
    pause_ = now + kPause;
    state.turn = State::Turn::kFetch;
  } else {
    state.turn = State::Turn::kTooSoon;
  }
  return state;
}

void SharedKeys::Finish(Member& member, std::shared_ptr<const KeySet> keys, io::Instant next) {
  const std::lock_guard lock(mutex_);
  fetching_ = nullptr;
  if (keys) keys_ = std::move(keys);
  next_ = next;
  PostNews(member);
}

// With the lock: so the members live. A task is dropped if its member goes before it runs.
void SharedKeys::PostNews(const Member& except) {
  for (Member* const member : members_) {
    if (member != &except) member->host().Post([member] { member->OnNews(); });
  }
}

}  // namespace upgate::plugins
