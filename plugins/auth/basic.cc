#include "plugins/auth/basic.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/base64.h"
#include "gateway/base/text.h"
#include "gateway/plugin/credentials.h"
#include "plugins/auth/failure_limit.h"
#include "plugins/auth/hash_worker.h"
#include "plugins/auth/htpasswd.h"
#include "plugins/auth/places.h"
#include "plugins/watched/watched.h"

namespace upgate::plugins {
namespace {

using plugin::AuthReason;
using Verdict = HashJob::Verdict;

constexpr io::Millis kFailureDelay{1'000};
constexpr io::Millis kRemembered{60'000};
constexpr std::size_t kMostRemembered = 1024;  // per loop
constexpr std::size_t kLongestPassword = 256;

constexpr const char* kNoLogin = "the credential is not 'user:password'";

const char* WhyWrong(bool known) {
  return known ? "the password is wrong" : "the user is unknown";
}

struct Login {
  std::string user;
  std::string password;
};

std::optional<Login> ReadLogin(std::string_view credential) {
  auto text = Base64Decode(credential);
  if (!text) return {};
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos || text->contains('\0')) return {};
  Login login{text->substr(0, colon), text->substr(colon + 1)};
  tls::Wipe(*text);
  if (login.user.empty() || login.password.size() > kLongestPassword) return {};
  return login;
}

// The way from the worker to an instance, which may be gone.
class Mailbox {
 public:
  explicit Mailbox(plugin::AuthHost& host) : host_(&host) {}
  void Close() {
    const std::lock_guard lock(mutex_);
    host_ = nullptr;
  }
  void Post(plugin::AuthHost::Task task) {
    const std::lock_guard lock(mutex_);
    if (host_ != nullptr) host_->Post(std::move(task));
  }

 private:
  std::mutex mutex_;
  plugin::AuthHost* host_;
};

struct Settings {
  std::filesystem::path file;
  std::string challenge;
};

class BasicInstance final : public plugin::AuthInstance {
 public:
  BasicInstance(const Settings& settings, const Watched<Htpasswd>& users, HashWorker& worker,
                FailureLimit& failures, plugin::AuthHost& host)
      : settings_(settings),
        users_(users),
        worker_(worker),
        failures_(failures),
        loop_(host.loop()),
        key_(tls::RandomKey()),
        mailbox_(std::make_shared<Mailbox>(host)) {}
  ~BasicInstance() override { mailbox_->Close(); }

  std::unique_ptr<io::Deletable> Check(const plugin::AuthQuestion& question,
                                       plugin::AuthReply reply) override;

 private:
  class Hashing;

  plugin::AuthAnswer Refuse(AuthReason reason, std::string why) const {
    return plugin::Refused(reason, std::move(why), settings_.challenge);
  }
  // Of a login and the hash that it was compared with.
  std::string KeyOf(const Login& login, const std::string& hash) const {
    const auto mac = tls::HmacSha256(
        key_, fmt::format("{}:{}:{}", login.user.size(), login.user, hash) + '\0' + login.password);
    return {reinterpret_cast<const char*>(mac.data()), mac.size()};
  }
  bool Remembers(const std::string& key);
  void Remember(const std::string& key);
  void OnHashed(std::uint64_t id, Verdict verdict);
  plugin::AuthAnswer TooMany() const {
    return Refuse(AuthReason::kTooMany, "too many passwords from this address were wrong");
  }

  const Settings& settings_;
  const Watched<Htpasswd>& users_;
  HashWorker& worker_;
  FailureLimit& failures_;
  io::Loop loop_;
  const std::string key_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::unordered_map<std::string, io::Instant> remembered_;  // until when
  std::map<std::uint64_t, Hashing*> hashing_;
  std::uint64_t next_id_ = 0;
};

// One password on its way to the worker and back, and the pause after a wrong one.
class BasicInstance::Hashing final : public io::Deletable, private io::Timer::Owner {
 public:
  Hashing(BasicInstance& instance, std::shared_ptr<HashJob> job, std::string user, std::string key,
          plugin::AuthReply reply)
      : instance_(instance),
        job_(std::move(job)),
        user_(std::move(user)),
        key_(std::move(key)),
        reply_(std::move(reply)),
        timer_(instance.loop_.timers, *this),
        id_(instance.next_id_++) {
    instance_.hashing_.emplace(id_, this);
    job_->done = [mailbox = instance_.mailbox_, &at = instance_, id = id_](Verdict verdict) {
      mailbox->Post([&at, id, verdict] { at.OnHashed(id, verdict); });
    };
  }
  ~Hashing() override {
    job_->wanted = false;
    instance_.hashing_.erase(id_);
  }

  void OnHashed(Verdict verdict) {
    if (verdict == Verdict::kWrong) return timer_.Arm(kFailureDelay);
    if (verdict == Verdict::kTooMany) return reply_(instance_.TooMany());
    instance_.Remember(key_);
    reply_(plugin::Allowed(std::make_shared<const plugin::Identity>(user_)));
  }

 private:
  void OnTimer(io::Timer&) override {
    plugin::AuthAnswer answer = instance_.Refuse(AuthReason::kWrong, WhyWrong(job_->known));
    // One that is unknown may be a password in the wrong field.
    if (job_->known) answer.user = user_;
    reply_(std::move(answer));
  }

  BasicInstance& instance_;
  const std::shared_ptr<HashJob> job_;
  const std::string user_;
  const std::string key_;
  const plugin::AuthReply reply_;
  io::Timer timer_;
  const std::uint64_t id_;
};

std::unique_ptr<io::Deletable> BasicInstance::Check(const plugin::AuthQuestion& question,
                                                    plugin::AuthReply reply) {
  const auto refuse = [&](AuthReason reason, std::string why) {
    reply(Refuse(reason, std::move(why)));
    return nullptr;
  };
  auto login = ReadLogin(question.credential);
  if (!login) return refuse(AuthReason::kMalformed, kNoLogin);
  Htpasswd::Entry entry = users_.Get()->Find(login->user);
  std::string key = KeyOf(*login, entry.hash);
  if (entry.known && Remembers(key)) {
    tls::Wipe(login->password);
    reply(plugin::Allowed(std::make_shared<const plugin::Identity>(login->user)));
    return nullptr;
  }
  const io::Instant now = loop_.timers.Now();
  if (failures_.IsReached(question.client, now)) {
    reply(TooMany());
    return nullptr;
  }
  auto job = std::make_shared<HashJob>();
  job->password = std::move(login->password);
  job->hash = std::move(entry.hash);
  job->known = entry.known;
  job->client = question.client;
  job->asked = now;
  auto hashing =
      std::make_unique<Hashing>(*this, job, std::move(login->user), std::move(key), reply);
  if (!worker_.Add(std::move(job)))
    return refuse(AuthReason::kTooMany, "too many passwords wait to be checked");
  return hashing;
}

bool BasicInstance::Remembers(const std::string& key) {
  const auto found = remembered_.find(key);
  if (found == remembered_.end()) return false;
  if (found->second > loop_.timers.Now()) return true;
  remembered_.erase(found);
  return false;
}

void BasicInstance::Remember(const std::string& key) {
  const io::Instant now = loop_.timers.Now();
  if (remembered_.size() >= kMostRemembered) {
    std::erase_if(remembered_, [now](const auto& entry) { return entry.second <= now; });
    if (remembered_.size() >= kMostRemembered) remembered_.clear();
  }
  remembered_.insert_or_assign(key, now + kRemembered);
}

void BasicInstance::OnHashed(std::uint64_t id, Verdict verdict) {
  const auto found = hashing_.find(id);
  if (found != hashing_.end()) found->second->OnHashed(verdict);
}

class BasicAuth final : public plugin::AuthCheck {
 public:
  BasicAuth(Settings settings, Htpasswd users, FilesStamp stamp)
      : settings_(std::move(settings)),
        users_("password file", settings_.file, std::move(users), std::move(stamp)) {}

  std::unique_ptr<plugin::AuthInstance> Start(plugin::AuthHost& host) const override {
    users_.Watch(host.log());
    return std::make_unique<BasicInstance>(settings_, users_, worker_, failures_, host);
  }
  std::optional<std::string> Find(const http::Request& request, const io::TlsInfo*) const override {
    const auto found = AuthorizationOf(request.headers, "basic");
    return found ? std::optional(std::string(*found)) : std::nullopt;
  }
  std::string Challenge() const override { return settings_.challenge; }
  std::optional<plugin::AuthAnswer> Preview(const plugin::AuthQuestion& question,
                                            std::int64_t) const override {
    auto login = ReadLogin(question.credential);
    if (!login) return plugin::Refused(AuthReason::kMalformed, kNoLogin, settings_.challenge);
    const Htpasswd::Entry entry = users_.Get()->Find(login->user);
    const bool right = entry.known && IsRightPassword(login->password, entry.hash);
    tls::Wipe(login->password);
    if (right) return plugin::Allowed(std::make_shared<const plugin::Identity>(login->user));
    return plugin::Refused(AuthReason::kWrong, WhyWrong(entry.known), settings_.challenge);
  }
  // Many may wait for the worker.
  io::Millis timeout() const override { return io::Millis{15'000}; }
  std::string Describe() const override {
    return fmt::format("basic: {} users of {}", users_.Get()->size(), settings_.file.string());
  }

 private:
  const Settings settings_;
  mutable Watched<Htpasswd> users_;       // thread-safe
  mutable FailureLimit failures_;         // thread-safe
  mutable HashWorker worker_{failures_};  // thread-safe
};

std::string ChallengeOf(const config::Field& realm) {
  const auto text = realm.Optional<std::string>("upgate");
  const auto fits = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  if (!std::ranges::all_of(text, fits))
    realm.Refuse({"has a character that the header cannot carry", "use printable ASCII"}, "");
  return fmt::format(R"(Basic realm="{}", charset="UTF-8")", text);
}

}  // namespace

std::unique_ptr<plugin::AuthCheck> MakeBasicAuth(plugin::AuthSetup setup) {
  const config::Field file = setup.options["file"];
  const auto name = file.Required<config::FileName>();
  Settings settings{.file = setup.folder / name.path,
                    .challenge = ChallengeOf(setup.options["realm"])};
  setup.options.RejectUnknownKeys();
  if (name.path.empty()) return nullptr;
  FilesStamp stamp = StampOf(settings.file);
  auto users = Htpasswd::Read(settings.file);
  if (!users) {
    file.Error(users.error());
    return nullptr;
  }
  return std::make_unique<BasicAuth>(std::move(settings), std::move(*users), std::move(stamp));
}

}  // namespace upgate::plugins
