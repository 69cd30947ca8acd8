#pragma once

#include <utility>

#include "gateway/base/ref.h"
#include "gateway/base/shared_limit.h"

namespace upgate::session {

// The place of one session, from its handshake on, among those that its route may have at once; and
// the hold on what the session was made from. Gives both back when it is destroyed. On its loop's
// thread.
class SessionSlot {
 public:
  SessionSlot() = default;
  // `route` owns what the session uses; `taken` is one of its limit, which `route` keeps alive.
  SessionSlot(Ref<RefCounted> route, SharedLimit::Taken taken)
      : route_(std::move(route)), taken_(std::move(taken)) {}
  SessionSlot(SessionSlot&&) = default;
  SessionSlot& operator=(SessionSlot&&) = default;

  RefCounted* route() const { return route_.get(); }

 private:
  Ref<RefCounted> route_;
  SharedLimit::Taken taken_;  // goes first
};

}  // namespace upgate::session
