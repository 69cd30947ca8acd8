#include "tests/bench/load/broadcast_run.h"

#include "tests/bench/load/client.h"
#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {

class BroadcastRun::Member final : private ClientHandler {
 public:
  Member(BroadcastRun& run, std::size_t index)
      : run_(run), client_(run.loop_, run.plan_.target, run.plan_.SourceOf(index), *this) {}

  void Publish() {
    allowed_ += run_.pattern_.frame_size();
    Push();
  }

 private:
  void OnOpen(Client& /*client*/) override { run_.ramp_.OnOpen(); }
  void OnPayload(Client& /*client*/, Bytes piece) override {
    if (!run_.pattern_.Matches(received_, piece)) Die("other bytes arrived than were published");
    received_ += piece.size();
  }
  void OnReadDone(Client& /*client*/) override {
    const std::uint64_t count = received_ / run_.pattern_.message_size() - delivered_;
    delivered_ += count;
    if (count > 0) run_.OnDelivered(delivered_ - count, count);
  }
  void OnWritable(Client& /*client*/) override { Push(); }
  void OnEnd(Client& /*client*/, bool /*orderly*/) override {
    Die("the gateway closed a connection");
  }
  void Push() {
    if (sent_ < allowed_) sent_ += client_.Send(run_.pattern_.Frames(sent_, allowed_ - sent_));
  }

  BroadcastRun& run_;
  Client client_;
  std::uint64_t allowed_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t delivered_ = 0;
};

BroadcastRun::BroadcastRun(Loop& loop, const Plan& plan)
    : loop_(loop),
      plan_(plan),
      pattern_(plan.message_size, true),
      measurement_(loop, plan),
      ramp_(plan.connections + 1,
            [this](std::size_t index) {
              members_.push_back(std::make_unique<Member>(*this, index));
            }),
      published_at_(plan.window),
      missing_(plan.window) {}

BroadcastRun::~BroadcastRun() = default;

nlohmann::json BroadcastRun::Run() {
  ramp_.Run(loop_);
  for (std::size_t i = 0; i < plan_.window; ++i) Publish();
  measurement_.Run(deliveries_);
  return measurement_.Report();
}

void BroadcastRun::Publish() {
  const std::size_t place = published_++ % plan_.window;
  published_at_[place] = Now();
  missing_[place] = plan_.connections;
  members_.front()->Publish();
}

void BroadcastRun::OnDelivered(std::uint64_t first, std::uint64_t count) {
  const std::uint64_t now = Now();
  deliveries_ += count;
  for (std::uint64_t message = first; message < first + count; ++message) {
    const std::size_t place = message % plan_.window;
    measurement_.latency().Add(now - published_at_[place]);
    if (--missing_[place] == 0) Publish();
  }
}

}  // namespace upgate::bench
