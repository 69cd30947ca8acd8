#include "tests/bench/load/steady_client.h"

#include <utility>

#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

constexpr std::uint64_t kOpenPatience = 10 * kSecond;

}  // namespace

nlohmann::json SteadyCounts::Take() {
  nlohmann::json report = {
      {"sent", sent},         {"lost", lost},
      {"repeated", repeated}, {"out_of_order", out_of_order},
      {"altered", altered},   {"held_back", held_back},
      {"closes", closes},     {"refusals", refusals},
      {"reasons", reasons},   {"round_trips", round_trips.Take()},
  };
  *this = {};
  return report;
}

SteadyClient::SteadyClient(Shared& shared, const Target& target, std::string source,
                           std::uint64_t sender)
    : shared_(shared),
      target_(target),
      source_(std::move(source)),
      sender_(sender),
      reader_(shared.messages) {
  Connect(Now());
}

void SteadyClient::Connect(std::uint64_t now) {
  connected_at_ = now;
  reader_ = NumberedReader(shared_.messages);
  client_ = std::make_unique<Client>(shared_.loop, target_, source_, *this);
}

void SteadyClient::Tick(std::uint64_t now) {
  if (client_ == nullptr) return Connect(now);
  if (client_->open()) return Send(now);
  if (now > connected_at_ + kOpenPatience) client_->Fail("no answer to the handshake");
}

void SteadyClient::Send(std::uint64_t now) {
  if (unanswered() == kMostUnanswered) {
    ++shared_.counts.held_back;
    return;
  }
  ++shared_.counts.sent;
  sent_at_[next_ % kMostUnanswered] = now;
  const Bytes frame = shared_.messages.Frame({.sender = sender_, .number = next_++});
  if (Client& client = *client_; client.Send(frame) != frame.size()) {
    client.Fail("a message did not get through");
  }
}

void SteadyClient::OnOpen(Client& /*client*/) {
  opened_ = true;
  if (!std::exchange(measured_, true)) shared_.on_first_open();
}

void SteadyClient::OnMessage(Client& /*client*/) {
  const auto id = reader_.Finish();
  if (id && id->sender == sender_ && id->number < next_) return Answered(*id);
  ++shared_.counts.altered;
}

void SteadyClient::Answered(const MessageId& id) {
  SteadyCounts& counts = shared_.counts;
  if (id.number < answered_) {
    ++counts.repeated;
    return;
  }
  if (id.number > answered_) {
    ++counts.out_of_order;
    counts.lost += id.number - answered_;
  }
  answered_ = id.number + 1;
  counts.round_trips.Add(Now() - sent_at_[id.number % kMostUnanswered], true);
}

void SteadyClient::OnEnd(Client& client, bool /*orderly*/) {
  Lose(client.ending());
}

void SteadyClient::OnFailure(Client& /*client*/, std::string_view why) {
  Lose(std::string(why));
}

void SteadyClient::Lose(const std::string& why) {
  // The measurement begins with connections that are all open.
  if (!measured_) Die(why);
  SteadyCounts& counts = shared_.counts;
  ++(std::exchange(opened_, false) ? counts.closes : counts.refusals);
  ++counts.reasons[why];
  counts.lost += unanswered();
  answered_ = next_;
  shared_.loop.DeferDelete(std::move(client_));
}

}  // namespace upgate::bench
