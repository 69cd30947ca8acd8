#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/config/field.h"
#include "gateway/http/message.h"
#include "gateway/io/network.h"
#include "gateway/plugin/reply.h"
#include "gateway/tls/context.h"

namespace upgate::plugin {

// A resolver finds the server for each client of a route, by a token in its request. The gateway
// takes the token out of the request, asks the resolver, and checks the answer: only what the
// route's `allow` lists is ever connected to, and names in answers are looked up before that check.
// So a resolver may answer with what it was given by others; it need not check it.

// The longest token. Requests with a longer one, or one with control characters, get 404 without
// anybody being asked.
inline constexpr std::size_t kMaxToken = 1024;

// What a resolver is asked. Everything is borrowed and valid during the call only.
struct Question {
  // Percent-decoded; hostile like all that a client sends. A secret: it must not be logged, nor be
  // repeated in ResolverAnswer::why.
  std::string_view token;
  std::string_view client;  // the client's address, without a port; empty where it has none
  std::string_view host;    // that the client asked for: lower case, without a port
  std::string_view path;
  const http::Request& request;
};

struct ResolverAnswer {
  enum class Kind : std::uint8_t {
    kFound,
    kUnknown,  // there is no such token: 404
    kFailed,   // the resolver could not tell: 502
  };
  Kind kind = Kind::kFailed;
  // For kFound: the URL of a server ("ws://host:80", "unix:/path"), or "host:port" for one with the
  // scheme that the route has for targets.
  std::string target;
  // For how long the answer may be used again; nothing: as the route's `cache` says.
  std::optional<io::Millis> fresh;
  std::string why;  // for kFailed, for the log; no token in it
};

inline ResolverAnswer Found(std::string target, std::optional<io::Millis> fresh = {}) {
  return {ResolverAnswer::Kind::kFound, std::move(target), fresh, {}};
}
inline ResolverAnswer Unknown() {
  return {ResolverAnswer::Kind::kUnknown, {}, {}, {}};
}
inline ResolverAnswer Failed(std::string why) {
  return {ResolverAnswer::Kind::kFailed, {}, {}, std::move(why)};
}

using ReplyTarget = AnswerTarget<ResolverAnswer>;
// From another thread an answer is brought to the loop by ResolverHost::Post.
using Reply = ReplyOf<ResolverAnswer>;

// One loop's part of a resolver. Created, used and destroyed on its loop's thread, so it needs no
// lock. Lives as long as the route, and as any session that was opened by it.
class ResolverInstance : public io::Deletable {
 public:
  // Finds the server for a client and answers by `reply`, now or later. There is a limit of time
  // (the route's `timeout`), which the gateway watches. What is returned is the look-up that is
  // under way; nullptr if there is nothing to cancel. The gateway destroys it at the end of the
  // turn in which the answer came, the client went away or the time was up, and before the
  // instance: whoever it waits for must then not be called by it any more.
  virtual std::unique_ptr<io::Deletable> Resolve(const Question& question, Reply reply) = 0;
};

// What the gateway provides to one instance; outlives it.
class ResolverHost {
 public:
  virtual io::Loop loop() = 0;
  virtual tls::Scratch& scratch() = 0;  // of the loop, for TLS streams
  virtual Log& log() = 0;               // thread-safe
  virtual std::size_t loop_index() const = 0;
  virtual const std::string& route() const = 0;  // its name, for the log
  // Runs `task` later on the loop's thread. May be called from any thread while the instance lives;
  // a task that has not run when it is gone is dropped.
  using Task = std::move_only_function<void()>;
  virtual void Post(Task task) = 0;

 protected:
  ~ResolverHost() = default;
};

// A resolver as configured by one route, with its options validated. Shared by all loops: const,
// thread-safe. Destroyed on any thread, after its instances.
class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual std::unique_ptr<ResolverInstance> Start(ResolverHost& host) const = 0;
  // Answers to questions with the same key are the same, as far as the cache may know.
  virtual std::string CacheKey(const Question& question) const {
    return std::string(question.token);
  }
  // For `upgate explain`: where it looks. No secrets. Any thread; may be slow.
  virtual std::string Describe() const { return {}; }
};

// Parameters for creating a resolver. Borrowed. As long as a new configuration has the route in the
// same words, it keeps its resolver.
struct ResolverSetup {
  // The map of a route's `options`. The keys that are the gateway's own (from, allow, timeout,
  // cache, strip_query, target) are known already: RejectUnknownKeys reports only others.
  config::Field options;
  std::filesystem::path folder;  // of the configuration: the base of relative paths
};

// Creates a resolver. If `options` has errors, the result is not used and may be nullptr.
using ResolverFactory = std::function<std::unique_ptr<Resolver>(ResolverSetup setup)>;

}  // namespace upgate::plugin
