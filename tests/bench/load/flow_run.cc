#include "tests/bench/load/flow_run.h"

#include <algorithm>
#include <limits>

#include "tests/bench/load/client.h"
#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {

class FlowRun::Flow final : private ClientHandler {
 public:
  Flow(FlowRun& run, std::size_t index)
      : run_(run),
        client_(run.loop_, run.plan_.target, run.plan_.SourceOf(index), *this),
        sent_at_(run.plan_.window) {}

  void Begin() {
    if (run_.direction_ == Direction::kDown) return;
    std::ranges::fill(sent_at_, Now());
    allowed_ = run_.direction_ == Direction::kUp ? std::numeric_limits<std::uint64_t>::max()
                                                 : run_.plan_.window * run_.pattern_.frame_size();
    Push();
  }
  bool silent() const { return silent_; }

 private:
  void OnOpen(Client& /*client*/) override { run_.ramp_.OnOpen(); }
  void OnPayload(Client& /*client*/, Bytes piece) override {
    if (!run_.pattern_.Matches(received_, piece)) Die("other bytes came back than were sent");
    received_ += piece.size();
  }
  void OnMessage(Client& /*client*/) override {
    if (run_.plan_.framed && received_ % run_.pattern_.message_size() != 0) {
      Die("a message came back in other frames than it was sent in");
    }
  }
  void OnReadDone(Client& /*client*/) override;
  void OnWritable(Client& /*client*/) override { Push(); }
  void OnEnd(Client& /*client*/, bool /*orderly*/) override {
    Die("the gateway closed a connection");
  }

  void Push();
  void Count(std::uint64_t messages);

  FlowRun& run_;
  Client client_;
  bool silent_ = true;
  std::uint64_t allowed_ = 0;           // bytes of frames
  std::uint64_t sent_ = 0;              // bytes of frames
  std::uint64_t received_ = 0;          // bytes of payload
  std::uint64_t done_ = 0;              // messages received, or sent when flooding
  std::vector<std::uint64_t> sent_at_;  // ring buffer for the messages in flight
};

void FlowRun::Flow::Count(std::uint64_t messages) {
  if (messages == 0) return;
  done_ += messages;
  run_.messages_ += messages;
  if (run_.measurement_.measuring()) silent_ = false;
}

void FlowRun::Flow::Push() {
  const bool flooding = run_.direction_ == Direction::kUp;
  while (sent_ < allowed_) {
    const Bytes piece = run_.pattern_.Frames(sent_, allowed_ - sent_);
    const std::size_t taken = client_.Send(piece);
    sent_ += taken;
    // A flood alternates with the other connections.
    if (flooding) {
      Count(sent_ / run_.pattern_.frame_size() - done_);
      return client_.WantWritable();
    }
    if (taken < piece.size()) return;
  }
}

void FlowRun::Flow::OnReadDone(Client& /*client*/) {
  const std::uint64_t messages = received_ / run_.pattern_.message_size() - done_;
  if (messages == 0 || run_.direction_ == Direction::kUp) return;
  if (run_.direction_ == Direction::kDown) return Count(messages);
  if (messages > sent_at_.size()) Die("more messages came back than were under way");
  const std::uint64_t now = Now();
  for (std::uint64_t i = done_; i < done_ + messages; ++i) {
    std::uint64_t& sent_at = sent_at_[i % sent_at_.size()];
    run_.measurement_.latency().Add(now - sent_at);
    sent_at = now;
  }
  Count(messages);
  allowed_ += messages * run_.pattern_.frame_size();
  Push();
}

FlowRun::FlowRun(Loop& loop, const Plan& plan, Direction direction)
    : loop_(loop),
      plan_(plan),
      direction_(direction),
      pattern_(plan.message_size, true),
      measurement_(loop, plan),
      ramp_(plan.connections,
            [this](std::size_t index) { flows_.push_back(std::make_unique<Flow>(*this, index)); }) {
}

FlowRun::~FlowRun() = default;

nlohmann::json FlowRun::Run() {
  ramp_.Run(loop_);
  for (const auto& flow : flows_) flow->Begin();
  measurement_.Run(messages_);
  nlohmann::json report = measurement_.Report();
  report["silent"] = std::ranges::count_if(flows_, [](const auto& flow) { return flow->silent(); });
  return report;
}

}  // namespace upgate::bench
