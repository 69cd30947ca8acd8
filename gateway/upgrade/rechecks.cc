#include "gateway/upgrade/rechecks.h"

#include <optional>
#include <utility>

namespace upgate::upgrade {

using plugin::AuthReason;

class Rechecks::One final : public io::Deletable,
                            private plugin::AuthTarget,
                            private io::Timer::Owner {
 public:
  One(Rechecks& all, std::uint64_t session, std::shared_ptr<plugin::AuthRecheck> recheck)
      : all_(all),
        session_(session),
        recheck_(std::move(recheck)),
        timer_(all.loop_.timers, *this) {
    ArmNext();
  }
  ~One() override { Cancel(); }

  // Nothing is called any more.
  void Cancel() {
    timer_.Disarm();
    if (reply_) reply_->Drop();
    asking_.reset();
  }

 private:
  void ArmNext() {
    const auto interval = static_cast<double>(recheck_->interval().count());
    const double jitter = 1 - 0.1 * all_.loop_.entropy.Fraction();
    timer_.Arm(io::Millis(static_cast<io::Millis::rep>(interval * jitter)));
  }
  void OnTimer(io::Timer&) override {
    const plugin::AuthReply reply(*this);
    reply_ = reply;
    auto asking = recheck_->Ask(reply);
    if (reply.wanted()) {
      asking_ = std::move(asking);
    } else if (asking) {
      all_.loop_.turn.DeferDelete(std::move(asking));
    }
  }
  void OnAnswer(plugin::AuthAnswer answer) override {
    if (asking_) all_.loop_.turn.DeferDelete(std::move(asking_));
    const bool failed =
        answer.reason == AuthReason::kFailed || answer.reason == AuthReason::kTimeout;
    if (answer.identity || failed) ArmNext();
    if (answer.identity) return;
    (failed ? all_.failed_ : all_.end_)(session_, answer);
  }

  Rechecks& all_;
  const std::uint64_t session_;
  const std::shared_ptr<plugin::AuthRecheck> recheck_;
  io::Timer timer_;
  std::optional<plugin::AuthReply> reply_;  // of the question under way
  std::unique_ptr<io::Deletable> asking_;
};

Rechecks::Rechecks(io::Loop loop, End end, Failed failed)
    : loop_(loop), end_(std::move(end)), failed_(std::move(failed)) {}

Rechecks::~Rechecks() = default;

void Rechecks::Add(std::uint64_t session, std::shared_ptr<plugin::AuthRecheck> recheck) {
  sessions_.emplace(session, std::make_unique<One>(*this, session, std::move(recheck)));
}

void Rechecks::Remove(std::uint64_t session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  // It may be what ends the session.
  std::unique_ptr<One> one = std::move(found->second);
  sessions_.erase(found);
  one->Cancel();
  loop_.turn.DeferDelete(std::move(one));
}

}  // namespace upgate::upgrade
