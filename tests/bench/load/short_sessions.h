#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/bench/load/answer_times.h"
#include "tests/bench/load/client.h"
#include "tests/bench/load/numbered.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// Sessions of one message each: connect, upgrade, send, get the echo, close. They start on
// schedule, however long earlier ones take.
class ShortSessions {
 public:
  // `messages` must outlive this object, like `loop`.
  ShortSessions(Loop& loop, NumberedMessages& messages);
  ShortSessions(const ShortSessions&) = delete;
  ShortSessions& operator=(const ShortSessions&) = delete;
  ~ShortSessions();

  // `target` must outlive the session.
  void Start(const Target& target, const std::string& source);
  // Ends the sessions that have waited too long.
  void Expire(std::uint64_t now);
  // No session waits for anything.
  bool idle() const { return sessions_.empty(); }

  // Since the last report, as JSON: started; completed; refused, before the 101; broken, between
  // the 101 and the echo; unclean, ended without a Close after the echo; reasons of refused and
  // broken; times from connecting to the echo.
  nlohmann::json Take();

 private:
  class Session;
  enum class Result : std::uint8_t { kCompleted, kUnclean, kBroken, kRefused };

  void Finish(Session& session, Result result, const std::string& why);

  struct Counts {
    std::uint64_t started = 0;
    std::uint64_t completed = 0;
    std::uint64_t refused = 0;
    std::uint64_t broken = 0;
    std::uint64_t unclean = 0;
    std::map<std::string, std::uint64_t> reasons;
    AnswerTimes times;
  };

  Loop& loop_;
  NumberedMessages& messages_;
  std::uint64_t next_ = 0;
  Counts counts_;
  std::list<std::unique_ptr<Session>> sessions_;  // the oldest first
  std::list<std::unique_ptr<Session>> finished_;  // until nothing calls them any more
};

}  // namespace upgate::bench
