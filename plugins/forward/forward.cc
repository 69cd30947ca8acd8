#include "plugins/forward/forward.h"

#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/bytes.h"
#include "gateway/plugin/credentials.h"
#include "plugins/auth/recent.h"
#include "plugins/forward/options.h"
#include "plugins/forward/question.h"
#include "plugins/http_call/http_call.h"

namespace upgate::plugins {
namespace {

using plugin::AuthAnswer;
using plugin::AuthReason;

constexpr std::size_t kMostQuestions = 256;  // per loop
// Of these about sessions that are open: with many of them, and a slow service, nobody could come
// in any more.
constexpr std::size_t kMostAgain = kMostQuestions / 4 * 3;
constexpr std::size_t kMostAnswerBody = 64 * 1024;
constexpr std::size_t kMostAnswers = 4096;  // per loop

using Digest = std::array<std::byte, 32>;

struct HashOfQuestion {
  std::size_t operator()(const Digest& digest) const {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

// Everything that the answer may depend on is in the fields.
Digest DigestOfQuestion(const http::OutgoingRequest& request) {
  return tls::Sha256(AsBytes(request.headers.text()));
}

class ForwardInstance final : public plugin::AuthInstance {
 public:
  ForwardInstance(const ForwardOptions& options, plugin::AuthHost& host)
      : options_(options), host_(host), loop_(host.loop()), remembered_(kMostAnswers) {}

  std::unique_ptr<io::Deletable> Check(const plugin::AuthQuestion& question,
                                       plugin::AuthReply reply) override;

 private:
  class Asking;
  class Again;

  struct Remembered {
    AuthAnswer answer;
    io::Instant until;
  };

  std::unique_ptr<io::Deletable> Ask(http::OutgoingRequest request, bool again,
                                     plugin::AuthReply reply);
  // Makes of an answer what is for the gateway, and remembers it if it lets the client in.
  AuthAnswer Take(AuthAnswer answer, const http::OutgoingRequest& request);
  AuthAnswer OnFailed(AuthReason reason, std::string why);

  const ForwardOptions& options_;
  plugin::AuthHost& host_;
  io::Loop loop_;
  std::size_t under_way_ = 0;
  std::string failure_;  // the last one, so that it is logged once
  Recent<Digest, Remembered, HashOfQuestion> remembered_;
};

// One question to the service.
class ForwardInstance::Asking final : public io::Deletable,
                                      private HttpCall::Handler,
                                      private io::Timer::Owner {
 public:
  // `again`: about a session that is open. The instance outlives it.
  Asking(ForwardInstance& instance, http::OutgoingRequest request, bool again,
         plugin::AuthReply reply)
      : instance_(instance),
        request_(std::move(request)),
        again_(again),
        reply_(std::move(reply)),
        timer_(instance.loop_.timers, *this),
        call_(instance.loop_, instance.host_.scratch(), instance.options_.url.server,
              instance.options_.tls.get(), request_, kMostAnswerBody, *this) {
    ++instance_.under_way_;
    timer_.Arm(instance_.options_.timeout);
  }
  ~Asking() override { --instance_.under_way_; }

 private:
  bool OnHead(const http::Response& head) override {
    if (IsForClient(head.status)) return true;
    Answer(MeaningOf(head, instance_.options_));
    return false;
  }
  void OnAnswer(http::Response answer) override {
    Answer(MeaningOf(std::move(answer), instance_.options_));
  }
  void OnFailed(std::string why) override {
    Answer(plugin::Refused(AuthReason::kFailed, "the service" + why));
  }
  void OnTimer(io::Timer&) override {
    Answer(plugin::Refused(AuthReason::kTimeout, "the service has not answered in time"));
  }
  void Answer(AuthAnswer answer) {
    timer_.Disarm();
    const bool failed =
        answer.reason == AuthReason::kFailed || answer.reason == AuthReason::kTimeout;
    if (failed && !again_) return reply_(instance_.OnFailed(answer.reason, std::move(answer.why)));
    reply_(failed || !answer.identity ? std::move(answer)
                                      : instance_.Take(std::move(answer), request_));
  }

  ForwardInstance& instance_;
  const http::OutgoingRequest request_;
  const bool again_;
  const plugin::AuthReply reply_;
  io::Timer timer_;
  HttpCall call_;
};

// Asks the same again for a session that is open, which holds it as long.
class ForwardInstance::Again final : public plugin::AuthRecheck {
 public:
  Again(ForwardInstance& instance, const http::OutgoingRequest& request)
      : instance_(instance),
        request_(request),
        charge_(instance.loop_.memory, sizeof(*this) + request_.headers.text().size()) {}

  io::Millis interval() const override { return instance_.options_.recheck; }
  std::unique_ptr<io::Deletable> Ask(plugin::AuthReply reply) override {
    return instance_.Ask(request_, true, std::move(reply));
  }

 private:
  ForwardInstance& instance_;
  const http::OutgoingRequest request_;
  const io::MemoryCharge charge_;
};

std::unique_ptr<io::Deletable> ForwardInstance::Check(const plugin::AuthQuestion& question,
                                                      plugin::AuthReply reply) {
  http::OutgoingRequest request = QuestionAbout(question, options_);
  if (request.headers.text().size() > plugin::kMaxCredential || !request.headers.sound()) {
    reply(plugin::Refused(AuthReason::kMalformed, "the fields for the service are too long"));
    return nullptr;
  }
  if (options_.cache.count() != 0) {
    const Digest digest = DigestOfQuestion(request);
    if (const Remembered* known = remembered_.Find(digest)) {
      if (loop_.timers.Now() < known->until) {
        reply(known->answer);
        return nullptr;
      }
      remembered_.Erase(digest);
    }
  }
  return Ask(std::move(request), false, std::move(reply));
}

std::unique_ptr<io::Deletable> ForwardInstance::Ask(http::OutgoingRequest request, bool again,
                                                    plugin::AuthReply reply) {
  if (under_way_ < (again ? kMostAgain : kMostQuestions))
    return std::make_unique<Asking>(*this, std::move(request), again, std::move(reply));
  constexpr std::string_view kTooMany = "too many questions to the service are under way";
  reply(again ? plugin::Refused(AuthReason::kFailed, std::string(kTooMany))
              : OnFailed(AuthReason::kFailed, std::string(kTooMany)));
  return nullptr;
}

AuthAnswer ForwardInstance::Take(AuthAnswer answer, const http::OutgoingRequest& request) {
  failure_.clear();
  if (options_.recheck.count() != 0) {
    auto identity = std::make_shared<plugin::Identity>(*answer.identity);
    identity->recheck = std::make_shared<Again>(*this, request);
    answer.identity = std::move(identity);
  }
  if (options_.cache.count() != 0)
    remembered_.Put(DigestOfQuestion(request), {answer, loop_.timers.Now() + options_.cache});
  return answer;
}

AuthAnswer ForwardInstance::OnFailed(AuthReason reason, std::string why) {
  if (!options_.allow_on_error) return plugin::Refused(reason, std::move(why));
  if (why != failure_) {
    host_.log().Warn("access not checked",
                     {{"auth", host_.name()}, {"service", options_.url.authority}, {"why", why}});
    failure_ = std::move(why);
  }
  // As nobody: what a client claims to be must not go on, either.
  AuthAnswer answer = plugin::Allowed(std::make_shared<const plugin::Identity>());
  for (const std::string& name : options_.set) answer.to_server.Add(name, "");
  return answer;
}

class ForwardAuth final : public plugin::AuthCheck {
 public:
  explicit ForwardAuth(ForwardOptions options) : options_(std::move(options)) {}

  std::unique_ptr<plugin::AuthInstance> Start(plugin::AuthHost& host) const override {
    return std::make_unique<ForwardInstance>(options_, host);
  }
  // Whether there is a credential is for the service to say.
  std::optional<std::string> Find(const http::Request&, const io::TlsInfo*) const override {
    return "";
  }
  std::vector<std::string> server_fields() const override { return options_.set; }
  // Its own comes first, because it knows on_error.
  io::Millis timeout() const override { return options_.timeout + io::Millis{1'000}; }
  // Without the path, which may hold a key.
  std::string Describe() const override {
    return fmt::format("forward: asks http{}://{}", options_.url.is_secure ? "s" : "",
                       options_.url.authority);
  }

 private:
  const ForwardOptions options_;
};

}  // namespace

std::unique_ptr<plugin::AuthCheck> MakeForwardAuth(plugin::AuthSetup setup) {
  return std::make_unique<ForwardAuth>(ParseForwardOptions(setup));
}

}  // namespace upgate::plugins
