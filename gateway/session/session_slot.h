#pragma once

#include <utility>

#include "gateway/base/ref.h"
#include "gateway/base/shared_limit.h"

namespace upgate::session {

// One session's place under the session limit of its route, from the handshake on, and its
// reference to the route context that the session uses. Both are released on destruction. On its
// loop's thread.
class SessionSlot {
 public:
  SessionSlot() = default;
  // `route` owns what the session uses, including the limit that `taken` was taken from.
  SessionSlot(Ref<RefCounted> route, SharedLimit::Taken taken)
      : route_(std::move(route)), taken_(std::move(taken)) {}
  SessionSlot(SessionSlot&&) = default;
  SessionSlot& operator=(SessionSlot&&) = default;

  RefCounted* route() const { return route_.get(); }

 private:
  Ref<RefCounted> route_;
  SharedLimit::Taken taken_;  // destroyed first: route_ owns the limit
};

}  // namespace upgate::session
