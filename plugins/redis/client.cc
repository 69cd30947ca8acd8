#include "plugins/redis/client.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::plugins {
namespace {

std::string Command(const std::vector<std::string_view>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* out = nullptr;
  const auto size =
      redisFormatCommandArgv(&out, static_cast<int>(words.size()), texts.data(), sizes.data());
  std::string command(out, size > 0 ? static_cast<std::size_t>(size) : 0);
  redisFreeCommand(out);
  return command;
}

// The first word of an error, which names its kind. What follows may repeat a key.
std::string KindOf(const redisReply& error) {
  const std::string_view text(error.str, static_cast<std::size_t>(error.len));
  const std::string_view word = text.substr(0, std::min<std::size_t>(text.find(' '), 20));
  const bool kind = std::ranges::all_of(word, [](char c) { return c >= 'A' && c <= 'Z'; });
  return kind ? std::string(word) : "an error";
}

// No question is answered with a list, and the memory for one would be as large as the server says.
template <class Count>
void* RefuseList(const redisReadTask*, Count) {
  return nullptr;
}

redisReader* MakeReader() {
  redisReader* reader = redisReaderCreate();
  static const redisReplyObjectFunctions kFunctions = [reader] {
    redisReplyObjectFunctions functions = *reader->fn;
    functions.createArray = &RefuseList;
    return functions;
  }();
  reader->fn = const_cast<redisReplyObjectFunctions*>(&kFunctions);
  return reader;
}

RedisResult ResultOf(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_STRING:
      return std::string(reply.str, static_cast<std::size_t>(reply.len));
    case REDIS_REPLY_NIL:
      return std::nullopt;
    case REDIS_REPLY_ERROR:
      return std::unexpected("redis answered " + KindOf(reply));
    default:
      return std::unexpected("redis answered with something else than a string");
  }
}

}  // namespace

void RedisClient::ReaderFree::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

RedisClient::RedisClient(const RedisSettings& settings, io::Loop loop, tls::Scratch& scratch)
    : settings_(settings), loop_(loop), scratch_(scratch), timer_(loop.timers, *this) {}

RedisClient::~RedisClient() = default;

std::unique_ptr<RedisClient::Question> RedisClient::Get(std::string_view key,
                                                        std::function<void(RedisResult)> done) {
  auto question = std::make_unique<Question>();
  question->done = std::make_shared<std::function<void(RedisResult)>>(std::move(done));
  const auto refuse = [&](std::string why) {
    std::exchange(*question->done, nullptr)(std::unexpected(std::move(why)));
    return std::move(question);
  };
  if (state_ == State::kPause) return refuse(why_);
  if (waiting_.size() >= kMostWaiting) return refuse("too many questions to redis are waiting");
  waiting_.push_back({Command({"GET", key}), question->done, false});
  if (state_ == State::kIdle) Connect();
  if (state_ == State::kOpen) SendWaiting();
  return question;
}

void RedisClient::Connect() {
  state_ = State::kConnecting;
  timer_.Arm(kPatience);
  io::ConnectHandler& handler = *this;
  dialing_ = std::make_unique<plugin::Dialer>(loop_, scratch_, settings_.place, settings_.tls.get(),
                                              handler);
}

void RedisClient::OnConnected(std::unique_ptr<io::ByteStream> stream) {
  dialing_.reset();
  state_ = State::kOpen;
  worked_ = false;
  unread_ = 0;
  sent_ = 0;
  stream_ = std::move(stream);
  reader_.reset(MakeReader());
  stream_->SetHandler(this);
  stream_->SetReading(true);
  SendIntroduction();
  SendWaiting();
}

void RedisClient::SendIntroduction() {
  introduction_ = 0;
  std::string commands;
  if (!settings_.password.empty()) {
    commands += settings_.username.empty()
                    ? Command({"AUTH", settings_.password})
                    : Command({"AUTH", settings_.username, settings_.password});
    ++introduction_;
  }
  if (settings_.database != 0) {
    commands += Command({"SELECT", std::to_string(settings_.database)});
    ++introduction_;
  }
  if (!commands.empty()) stream_->Write(AsBytes(commands));
}

void RedisClient::SendWaiting() {
  for (; sent_ < waiting_.size(); ++sent_) stream_->Write(AsBytes(waiting_[sent_].command));
  if (!timer_.armed()) timer_.Arm(kPatience);
}

void RedisClient::OnConnectFailed(const Error& error) {
  loop_.turn.DeferDelete(std::move(dialing_));
  Pause("redis: " + error.message);
}

void RedisClient::OnBytes(MutableBytes data) {
  unread_ += data.size();
  if (redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(data.data()), data.size()) !=
      REDIS_OK)
    return Lost("redis sent something that is not its protocol");
  while (stream_) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK)
      return Lost("redis sent something that is not its protocol");
    if (reply == nullptr) break;
    unread_ = 0;
    OnReply(reply);
  }
  if (stream_ && unread_ > kMostAnswer) Lost("redis sent an answer that is too large");
}

void RedisClient::OnReply(void* reply) {
  const std::unique_ptr<void, void (*)(void*)> owned(reply, freeReplyObject);
  const auto& got = *static_cast<const redisReply*>(reply);
  if (introduction_ > 0) {
    --introduction_;
    if (got.type != REDIS_REPLY_ERROR) return;
    Disconnect();
    return Pause("redis refused the password or the database: " + KindOf(got));
  }
  if (sent_ == 0) return Lost("redis sent an answer that nobody asked for");
  worked_ = true;
  pause_ = kFirstPause;
  const Waiting answered = std::move(waiting_.front());
  waiting_.pop_front();
  --sent_;
  waiting_.empty() ? timer_.Disarm() : timer_.Arm(kPatience);
  if (const auto done = std::exchange(*answered.done, nullptr)) done(ResultOf(got));
}

void RedisClient::OnTimer(io::Timer&) {
  if (state_ == State::kPause) {
    state_ = State::kIdle;
    return;
  }
  Disconnect();
  Pause("redis does not answer");
}

void RedisClient::Disconnect() {
  timer_.Disarm();
  if (dialing_) loop_.turn.DeferDelete(std::move(dialing_));
  if (!stream_) return;
  stream_->SetHandler(nullptr);
  loop_.turn.DeferDelete(std::move(stream_));
}

void RedisClient::Lost(const std::string& why) {
  Disconnect();
  const bool worked = std::exchange(worked_, false);
  state_ = State::kIdle;
  if (waiting_.empty()) return;  // it was idle
  const bool again =
      worked && std::ranges::none_of(waiting_, [](const Waiting& one) { return one.again; });
  if (!again) return Pause("redis: " + why);
  for (Waiting& one : waiting_) one.again = true;
  Connect();
}

void RedisClient::Pause(const std::string& why) {
  state_ = State::kPause;
  why_ = why;
  timer_.Arm(pause_);
  pause_ = std::min(2 * pause_, kLongestPause);
  FailAll(why);
}

void RedisClient::FailAll(const std::string& why) {
  sent_ = 0;
  for (const Waiting& one : std::exchange(waiting_, {})) {
    if (const auto done = std::exchange(*one.done, nullptr)) done(std::unexpected(why));
  }
}

}  // namespace upgate::plugins
