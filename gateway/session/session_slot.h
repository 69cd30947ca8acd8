#pragma once

#include <utility>

#include "gateway/base/client_counts.h"
#include "gateway/base/ref.h"
#include "gateway/base/shared_limit.h"

namespace upgate::session {

// One session's place under the session limits of its route, from the handshake on, and its
// reference to the route context that the session uses. Both are released on destruction. On its
// loop's thread.
class SessionSlot {
 public:
  SessionSlot() = default;
  // `route` owns what the session uses, including the limits that the others were taken from.
  SessionSlot(Ref<RefCounted> route, SharedLimit::Taken taken, ClientCounts::Taken of_client)
      : route_(std::move(route)), taken_(std::move(taken)), of_client_(std::move(of_client)) {}
  SessionSlot(SessionSlot&&) = default;
  SessionSlot& operator=(SessionSlot&&) = default;

  RefCounted* route() const { return route_.get(); }

 private:
  Ref<RefCounted> route_;
  SharedLimit::Taken taken_;  // destroyed before route_, which owns the limits
  ClientCounts::Taken of_client_;
};

}  // namespace upgate::session
