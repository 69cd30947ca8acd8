#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/plugin/dialer.h"
#include "gateway/plugin/resolver.h"

struct redisReader;

namespace upgate::plugins {

struct RedisSettings {
  plugin::Dialer::Place place;
  std::shared_ptr<tls::ClientContext> tls;  // nullptr: a plain connection
  std::string username;                     // empty: the default user
  std::string password;                     // empty: none is sent
  std::uint32_t database = 0;
};

// What was found under a key: nullopt if there is nothing; or what went wrong, for the log: without
// any key, which is a secret.
using RedisResult = std::expected<std::optional<std::string>, std::string>;

// One loop's connection to a Redis server, made when somebody asks. Questions are pipelined. When
// it breaks, those that wait are asked once more on a new connection, if the old one had worked;
// when none can be made, all fail, and so does whatever is asked within a pause that doubles from
// 100 ms to 5 s. Whatever the server sends is bounded. On its loop's thread.
class RedisClient final : private io::StreamHandler,
                          private io::ConnectHandler,
                          private io::Timer::Owner {
 public:
  static constexpr std::size_t kMostWaiting = 1'000;
  static constexpr std::size_t kMostAnswer = 64 * 1024;  // bytes of one answer
  static constexpr io::Millis kPatience{5'000};          // for a connection, and for each answer
  static constexpr io::Millis kFirstPause{100};
  static constexpr io::Millis kLongestPause{5'000};

  // What is borrowed outlives the client.
  RedisClient(const RedisSettings& settings, io::Loop loop, tls::Scratch& scratch);
  ~RedisClient();

  // One question. Destroying it means that nobody wants the answer any more.
  struct Question final : io::Deletable {
    ~Question() override { *done = nullptr; }
    std::shared_ptr<std::function<void(RedisResult)>> done;
  };
  // Asks for the string under a key. `done` is called once, maybe from inside of Get, if the
  // question still lives.
  std::unique_ptr<Question> Get(std::string_view key, std::function<void(RedisResult)> done);

  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    std::string command;
    std::shared_ptr<std::function<void(RedisResult)>> done;
    bool again = false;  // on a second connection
  };
  enum class State : std::uint8_t { kIdle, kConnecting, kOpen, kPause };
  struct ReaderFree {
    void operator()(redisReader* reader) const;
  };

  void OnConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnConnectFailed(const Error& error) override;
  void OnBytes(MutableBytes data) override;
  void OnEnd() override { Lost("the server closed the connection"); }
  void OnError(const Error& error) override { Lost(error.message); }
  void OnWritable() override {}
  void OnTimer(io::Timer& timer) override;

  void Connect();
  // What comes before questions: the password and the database.
  void SendIntroduction();
  void SendWaiting();
  // The next answer of the server.
  void OnReply(void* reply);
  void Lost(const std::string& why);
  void Disconnect();
  // Fails all that wait, and refuses others for a while.
  void Pause(const std::string& why);
  void FailAll(const std::string& why);

  const RedisSettings& settings_;
  io::Loop loop_;
  tls::Scratch& scratch_;
  State state_ = State::kIdle;
  std::unique_ptr<io::Pending> dialing_;
  std::unique_ptr<io::ByteStream> stream_;
  std::unique_ptr<redisReader, ReaderFree> reader_;
  std::size_t introduction_ = 0;  // answers that are still to come to what was sent first
  std::size_t unread_ = 0;        // bytes of an answer that is not complete
  bool worked_ = false;           // the connection has answered
  std::deque<Waiting> waiting_;   // in the order in which they are answered
  std::size_t sent_ = 0;          // of waiting_
  io::Millis pause_ = kFirstPause;
  std::string why_;  // there is a pause
  io::Timer timer_;
};

}  // namespace upgate::plugins
