#pragma once

#include <functional>
#include <string>

#include "gateway/base/fd.h"
#include "tests/bench/load/client.h"
#include "tests/bench/wire/loop.h"
#include "tests/bench/wire/pattern.h"

namespace upgate::bench {

// Something small to ask the gateway for, again and again, one at a time.
class Question {
 public:
  // Whether the answer was as it should be; it may ask again at once.
  using Answered = std::function<void(bool good)>;

  virtual ~Question() = default;
  // Not while an answer is awaited.
  virtual void Ask() = 0;
};

// A message of one connection, whose answer is the next one that comes: its echo, byte for byte, or
// just any.
class WebSocketQuestion final : public Question, private ClientHandler {
 public:
  // `echo`: compare. `ready` is called when the connection is open. A connection that ends is the
  // end of the program.
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

// A GET. The answer is good with a 200 and all of the body that its Content-Length announces.
class HttpQuestion final : public Question, private Watcher {
 public:
  // `kept_alive`: all on one connection, as long as that stands; else on a new one each, and the
  // time it takes to connect is part of the answer's.
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
