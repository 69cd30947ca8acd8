#include "gateway/upgrade/loop_auth.h"

namespace upgate::upgrade {

LoopAuth::LoopAuth(std::shared_ptr<const AuthRecord> record, Place place)
    : record_(std::move(record)),
      place_(std::move(place)),
      alive_(std::make_shared<const bool>(true)),
      instance_(record_->check->Start(*this)) {}

LoopAuth::~LoopAuth() = default;

void LoopAuth::Post(Task task) {
  place_.post([alive = std::weak_ptr(alive_), run = std::move(task)]() mutable {
    if (!alive.expired()) run();
  });
}

}  // namespace upgate::upgrade
