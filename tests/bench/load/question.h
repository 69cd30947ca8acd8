#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "gateway/base/fd.h"
#include "tests/bench/load/client.h"
#include "tests/bench/wire/loop.h"
#include "tests/bench/wire/pattern.h"

namespace upgate::bench {

// A small request to the gateway, repeated, one at a time.
class Question {
 public:
  // `good`: the answer was correct. The callback may call Ask again.
  using Answered = std::function<void(bool good)>;

  virtual ~Question() = default;
  // Must not be called while an answer is pending.
  virtual void Ask() = 0;
};

// A message on a WebSocket connection, answered by the next message received: its exact echo, or
// any message.
class WebSocketQuestion final : public Question, private ClientHandler {
 public:
  // `echo`: compare the answer. `ready` is called when the connection is open. Ends the program if
  // the connection ends.
  WebSocketQuestion(Loop& loop, const Target& target, std::size_t size, bool echo,
                    std::function<void()> ready, Answered answered);

  void Ask() override;

 private:
  void OnOpen(Client& /*client*/) override { ready_(); }
  void OnPayload(Client& client, Bytes piece) override;
  void OnMessage(Client& client) override;
  void OnEnd(Client& client, bool orderly) override;

  const Pattern pattern_;
  const bool echo_;
  std::function<void()> ready_;
  Answered answered_;
  std::uint64_t asked_ = 0;     // messages
  std::uint64_t received_ = 0;  // bytes of payload
  Client client_;
};

// A GET. The answer is good if it is a 200 with the complete body that its Content-Length
// announces.
class HttpQuestion final : public Question, private Watcher {
 public:
  // `kept_alive`: one connection for all requests, as long as it lasts; otherwise a new one for
  // each, and the answer time includes connecting.
  HttpQuestion(Loop& loop, const Target& target, bool kept_alive, Answered answered);

  void Ask() override;

 private:
  void OnEvents(std::uint32_t events) override;
  void Send();
  void Read();
  bool complete() const;
  void Finish(bool good);

  Loop& loop_;
  const Target& target_;
  const bool kept_alive_;
  Answered answered_;
  UniqueFd fd_;
  bool connecting_ = false;
  bool waiting_ = false;
  std::string answer_;
};

}  // namespace upgate::bench
