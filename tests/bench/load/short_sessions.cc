#include "tests/bench/load/short_sessions.h"

#include <algorithm>
#include <utility>

#include "tests/bench/wire/clock.h"

namespace upgate::bench {
namespace {

constexpr std::uint64_t kPatience = 10 * kSecond;
// Different from all senders of steady clients.
constexpr std::uint64_t kSender = std::uint64_t{1} << 32;

}  // namespace

class ShortSessions::Session final : public ClientHandler {
 public:
  Session(ShortSessions& all, const Target& target, const std::string& source, MessageId id)
      : all_(all),
        id_(id),
        reader_(all.messages_),
        client_(std::make_unique<Client>(all.loop_, target, source, *this)) {}

  std::uint64_t began() const { return began_; }
  Client& client() { return *client_; }
  std::unique_ptr<Client> TakeClient() { return std::move(client_); }

 private:
  void OnOpen(Client& client) override {
    opened_ = true;
    const Bytes frame = all_.messages_.Frame(id_);
    if (client.Send(frame) != frame.size()) client.Fail("a message did not get through");
  }
  void OnPayload(Client& /*client*/, Bytes piece) override { reader_.Take(piece); }
  void OnMessage(Client& client) override {
    if (reader_.Finish() != id_) return client.Fail("another message came back than was sent");
    echoed_ = true;
    all_.counts_.times.Add(Now() - began_, true);
    client.SendClose();
  }
  void OnEnd(Client& client, bool orderly) override {
    if (echoed_ && orderly) return all_.Finish(*this, Result::kCompleted, {});
    all_.Finish(*this, ResultNow(), client.ending());
  }
  void OnFailure(Client& /*client*/, std::string_view why) override {
    all_.Finish(*this, ResultNow(), std::string(why));
  }

  Result ResultNow() const {
    if (echoed_) return Result::kUnclean;
    return opened_ ? Result::kBroken : Result::kRefused;
  }

  ShortSessions& all_;
  const MessageId id_;
  const std::uint64_t began_ = Now();
  bool opened_ = false;
  bool echoed_ = false;
  NumberedReader reader_;
  std::unique_ptr<Client> client_;
};

ShortSessions::ShortSessions(Loop& loop, NumberedMessages& messages)
    : loop_(loop), messages_(messages) {}

ShortSessions::~ShortSessions() = default;

void ShortSessions::Start(const Target& target, const std::string& source) {
  ++counts_.started;
  const MessageId id{.sender = kSender, .number = next_++};
  sessions_.push_back(std::make_unique<Session>(*this, target, source, id));
}

void ShortSessions::Expire(std::uint64_t now) {
  finished_.clear();
  while (!sessions_.empty() && now > sessions_.front()->began() + kPatience) {
    sessions_.front()->client().Fail("no answer in time");
  }
}

void ShortSessions::Finish(Session& session, Result result, const std::string& why) {
  loop_.DeferDelete(session.TakeClient());
  if (result == Result::kCompleted || result == Result::kUnclean) ++counts_.completed;
  if (result == Result::kUnclean) ++counts_.unclean;
  if (result == Result::kBroken) ++counts_.broken;
  if (result == Result::kRefused) ++counts_.refused;
  if (result == Result::kBroken || result == Result::kRefused) ++counts_.reasons[why];
  const auto at = std::ranges::find(sessions_, &session, &std::unique_ptr<Session>::get);
  finished_.splice(finished_.end(), sessions_, at);
}

nlohmann::json ShortSessions::Take() {
  Counts counts = std::exchange(counts_, {});
  return {
      {"started", counts.started},    {"completed", counts.completed}, {"refused", counts.refused},
      {"broken", counts.broken},      {"unclean", counts.unclean},     {"reasons", counts.reasons},
      {"times", counts.times.Take()},
  };
}

}  // namespace upgate::bench
