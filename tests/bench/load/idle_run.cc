#include "tests/bench/load/idle_run.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>

#include "tests/bench/load/client.h"
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

// Lines from standard input.
class IdleRun::Commands final : public Watcher {
 public:
  explicit Commands(IdleRun& run) : run_(run) { run_.loop_.Add(STDIN_FILENO, EPOLLIN, *this); }

  void OnEvents(std::uint32_t /*events*/) override {
    char buffer[256];
    const ssize_t size = read(STDIN_FILENO, buffer, sizeof buffer);
    if (size <= 0) {
      ended_ = true;
      return;
    }
    line_.append(buffer, static_cast<std::size_t>(size));
    if (!line_.ends_with('\n')) return;
    if (line_ != "burst\n") Die("no such command: " + line_);
    line_.clear();
    run_.Burst();
  }
  bool ended() const { return ended_; }

 private:
  IdleRun& run_;
  std::string line_;
  bool ended_ = false;
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
  commands_ = std::make_unique<Commands>(*this);
  Say("open");
  while (!commands_->ended()) loop_.Turn(std::numeric_limits<std::uint64_t>::max());
}

void IdleRun::Burst() {
  begun_ = 0;
  echoed_ = 0;
  while (begun_ < std::min(kBurstsAtOnce, holders_.size())) holders_[begun_++]->Begin();
}

void IdleRun::OnEchoed() {
  ++echoed_;
  if (begun_ < holders_.size()) holders_[begun_++]->Begin();
  if (echoed_ == holders_.size()) Say("burst");
}

void IdleRun::Say(std::string_view word) {
  std::printf("%.*s\n", static_cast<int>(word.size()), word.data());
  std::fflush(stdout);
}

}  // namespace upgate::bench
