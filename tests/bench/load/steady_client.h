#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/bench/load/answer_times.h"
#include "tests/bench/load/client.h"
#include "tests/bench/load/numbered.h"

namespace upgate::bench {

// What happened to steady clients since the last report.
struct SteadyCounts {
  std::uint64_t sent = 0;
  std::uint64_t lost = 0;          // sent, but the echo did not come before the connection ended
  std::uint64_t repeated = 0;      // echoes of messages that had been answered
  std::uint64_t out_of_order = 0;  // echoes that came before that of an earlier message
  std::uint64_t altered = 0;       // echoes with other bytes
  std::uint64_t held_back = 0;     // not sent: too many unanswered messages
  std::uint64_t closes = 0;        // connections that the gateway ended
  std::uint64_t refusals = 0;      // failed attempts to open a connection again
  std::map<std::string, std::uint64_t> reasons;  // of closes and refusals
  AnswerTimes round_trips;

  // All of them as JSON; then starts over.
  nlohmann::json Take();
};

// A client that stays connected and sends one numbered message at each tick. When the gateway ends
// its connection, it opens another one at the next tick.
class SteadyClient final : public ClientHandler {
 public:
  // What the clients of a run share. Must outlive them.
  struct Shared {
    Loop& loop;
    NumberedMessages& messages;
    SteadyCounts& counts;
    std::function<void()> on_first_open;
  };

  // Connects at once. `target` must outlive the client, like `shared`.
  SteadyClient(Shared& shared, const Target& target, std::string source, std::uint64_t sender);

  // `now` is that of the clock (wire/clock.h), in nanoseconds.
  void Tick(std::uint64_t now);
  std::uint64_t unanswered() const { return next_ - answered_; }

 private:
  // Unanswered messages, which fit into the buffers of a socket.
  static constexpr std::size_t kMostUnanswered = 8;

  void OnOpen(Client& client) override;
  void OnPayload(Client& /*client*/, Bytes piece) override { reader_.Take(piece); }
  void OnMessage(Client& client) override;
  void OnEnd(Client& client, bool orderly) override;
  void OnFailure(Client& client, std::string_view why) override;

  void Connect(std::uint64_t now);
  void Send(std::uint64_t now);
  void Answered(const MessageId& id);
  void Lose(const std::string& why);

  Shared& shared_;
  const Target& target_;
  const std::string source_;
  const std::uint64_t sender_;
  std::unique_ptr<Client> client_;
  NumberedReader reader_;
  bool measured_ = false;  // a connection has been open
  bool opened_ = false;    // the current one
  std::uint64_t connected_at_ = 0;
  std::uint64_t next_ = 0;                                // number of the next message
  std::uint64_t answered_ = 0;                            // all below are answered or lost
  std::array<std::uint64_t, kMostUnanswered> sent_at_{};  // by number, a ring buffer
};

}  // namespace upgate::bench
