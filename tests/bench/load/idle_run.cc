#include "tests/bench/load/idle_run.h"

#include <algorithm>
#include <limits>
#include <string>

#include "tests/bench/load/client.h"
#include "tests/bench/load/commands.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

constexpr std::size_t kBurstsAtOnce = 32;

}  // namespace

class IdleRun::Holder final : private ClientHandler {
 public:
  Holder(IdleRun& run, std::size_t index)
      : run_(run), client_(run.loop_, run.plan_.target, run.plan_.SourceOf(index), *this) {}

  // Sends one message.
  void Begin() {
    allowed_ += run_.pattern_.frame_size();
    Push();
  }

 private:
  void OnOpen(Client& /*client*/) override { run_.ramp_.OnOpen(); }
  void OnPayload(Client& /*client*/, Bytes piece) override {
    if (!run_.pattern_.Matches(received_, piece)) Die("other bytes came back than were sent");
    received_ += piece.size();
    if (received_ % run_.pattern_.message_size() == 0) run_.OnEchoed();
  }
  void OnWritable(Client& /*client*/) override { Push(); }
  void OnEnd(Client& /*client*/, bool /*orderly*/) override {
    Die("the gateway closed an idle connection");
  }
  void Push() {
    if (sent_ < allowed_) sent_ += client_.Send(run_.pattern_.Frames(sent_, allowed_ - sent_));
  }

  IdleRun& run_;
  Client client_;
  std::uint64_t allowed_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

IdleRun::IdleRun(Loop& loop, const Plan& plan)
    : loop_(loop),
      plan_(plan),
      pattern_(plan.message_size, true),
      ramp_(plan.connections, [this](std::size_t index) {
        holders_.push_back(std::make_unique<Holder>(*this, index));
      }) {}

IdleRun::~IdleRun() = default;

void IdleRun::Run() {
  ramp_.Run(loop_);
  Commands commands(loop_, [this](std::string_view line) {
    if (line != "burst") Die("unknown command: " + std::string(line));
    Burst();
  });
  Commands::Say("open");
  while (!commands.ended()) loop_.Turn(std::numeric_limits<std::uint64_t>::max());
}

void IdleRun::Burst() {
  begun_ = 0;
  echoed_ = 0;
  while (begun_ < std::min(kBurstsAtOnce, holders_.size())) holders_[begun_++]->Begin();
}

void IdleRun::OnEchoed() {
  ++echoed_;
  if (begun_ < holders_.size()) holders_[begun_++]->Begin();
  if (echoed_ == holders_.size()) Commands::Say("burst");
}

}  // namespace upgate::bench
