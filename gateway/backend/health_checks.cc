#include "gateway/backend/health_checks.h"

#include <algorithm>
#include <optional>

#include "gateway/backend/byte_check.h"
#include "gateway/backend/own_request.h"
#include "gateway/backend/probe.h"

namespace upgate::backend {
namespace {

SharedMs SharedNow(const io::Loop& loop) {
  return static_cast<SharedMs>(loop.timers.Micros() / 1000);
}

ProbeSettings SettingsFor(const config::Backend& backend, const config::Server& server,
                          const std::string& user_agent) {
  const config::HealthCheck& check = *backend.health;
  ProbeSettings settings;
  settings.send_proxy = backend.send_proxy;
  settings.name = server.url;
  settings.server = server;
  settings.is_websocket = check.kind == config::HealthCheck::Kind::kWs;
  settings.authority = AuthorityOf(server);
  settings.target = check.path;
  settings.user_agent = user_agent;
  settings.statuses = check.statuses;
  settings.timeout = check.timeout;
  return settings;
}

}  // namespace

// The checks of one server.
class HealthChecks::Check final : private io::Timer::Owner,
                                  private Probe::Owner,
                                  private ByteCheck::Owner {
 public:
  // `next`: when the check of a configuration before would have been.
  Check(HealthChecks& all, std::shared_ptr<const BackendRecord> backend, std::size_t index,
        std::optional<io::Instant> next)
      : all_(all),
        backend_(std::move(backend)),
        index_(index),
        start_(Now() + Random(check().interval)),
        timer_(all.setup_.loop.timers, *this) {
    if (next) start_ = std::min(start_, std::max(*next, Now()));
    due_ = start_;
    timer_.Arm(due_ - Now());
  }

  // Goes on, with its failures so far, as the check of this server. False if the file has other
  // words for the backend now: then failures may have been due to the old ones.
  bool Continue(const std::shared_ptr<const BackendRecord>& backend, std::size_t index) {
    if (backend->servers[index] != record() || backend->config->words != backend_->config->words)
      return false;
    backend_ = backend;
    index_ = index;
    return true;
  }
  io::Instant due() const { return due_; }
  // It is not checked any more.
  void Forget() { SetDown(false); }

 private:
  const config::HealthCheck& check() const { return *backend_->config->health; }
  const config::Server& config() const { return backend_->config->servers[index_]; }
  const std::shared_ptr<ServerRecord>& record() const { return backend_->servers[index_]; }
  io::Instant Now() const { return all_.setup_.loop.timers.Now(); }

  // 0 to `most`.
  io::Millis Random(io::Millis most) const {
    return io::Millis(static_cast<io::Millis::rep>(static_cast<double>(most.count()) *
                                                   all_.setup_.loop.entropy.Fraction()));
  }

  // From a fixed point in time, so that checks do not drift together; each a little later than
  // that, so that those of many gateways do not meet.
  void ArmNext() {
    do start_ += check().interval;
    while (start_ <= Now());
    due_ = start_ + Random(check().interval / 10);
    timer_.Arm(due_ - Now());
  }

  void OnTimer(io::Timer&) override {
    ArmNext();
    // The last one is about to end: its time is not longer than the interval.
    if (probe_ || bytes_) return;
    io::Loop loop = all_.setup_.loop;
    running_ = backend_;
    settings_ = SettingsFor(*backend_->config, config(), all_.setup_.user_agent);
    auto tls = config::IsSecure(config().scheme) ? backend_->tls_context() : nullptr;
    if (check().kind == config::HealthCheck::Kind::kTcp) {
      ByteCheck::Owner& owner = *this;
      bytes_ = std::make_unique<ByteCheck>(check(), config(), settings_.send_proxy, std::move(tls),
                                           loop, all_.setup_.scratch, owner);
    } else {
      Probe::Owner& owner = *this;
      probe_ = std::make_unique<Probe>(settings_, std::move(tls), loop, all_.setup_.scratch, owner);
    }
  }

  void OnProbed(const Result<std::string>& outcome) override {
    all_.setup_.loop.turn.DeferDelete(std::move(probe_));  // which makes this call
    Judge(outcome);
  }
  void OnChecked(const Result<std::string>& outcome) override {
    all_.setup_.loop.turn.DeferDelete(std::move(bytes_));
    Judge(outcome);
  }

  void Judge(const Result<std::string>& outcome) {
    // The gateway's own lack of resources says nothing about the server.
    if (!outcome && outcome.error().code == Errc::kLimit) return;
    if (outcome.has_value() != last_was_good_) in_a_row_ = 0;
    last_was_good_ = outcome.has_value();
    ++in_a_row_;
    const bool down = record()->health.down();
    if (outcome && down && in_a_row_ >= check().rise) {
      SetDown(false);
      all_.setup_.log.Info(
          "server up",
          {{"backend", record()->backend}, {"server", record()->url}, {"why", outcome.value()}});
    } else if (!outcome && !down && in_a_row_ >= check().fall) {
      SetDown(true);
      all_.setup_.log.Warn("server down", {{"backend", record()->backend},
                                           {"server", record()->url},
                                           {"why", outcome.error().message}});
      all_.owner_.OnServerDown(*backend_, record());
    }
  }

  void SetDown(bool down) {
    record()->health.SetDown(down, SharedNow(all_.setup_.loop));
    record()->row->down.store(down, std::memory_order_relaxed);
  }

  HealthChecks& all_;
  std::shared_ptr<const BackendRecord> backend_;
  std::size_t index_;
  io::Instant start_;  // of the check to come, without its jitter
  io::Instant due_{};
  io::Timer timer_;
  bool last_was_good_ = true;
  std::uint32_t in_a_row_ = 0;
  // What the check that runs, or ran last, borrows from.
  std::shared_ptr<const BackendRecord> running_;
  ProbeSettings settings_;
  std::unique_ptr<Probe> probe_;      // while it runs
  std::unique_ptr<ByteCheck> bytes_;  // the same
};

HealthChecks::HealthChecks(Setup setup, Owner& owner) : setup_(std::move(setup)), owner_(owner) {}

HealthChecks::~HealthChecks() = default;

void HealthChecks::Watch(const Backends& backends) {
  auto before = std::exchange(checks_, {});
  for (const auto& [name, backend] : backends) {
    if (!backend->config->health) continue;
    for (std::size_t i = 0; i < backend->servers.size(); ++i) {
      auto old = before.extract({name, backend->servers[i]->url});
      std::unique_ptr<Check>& check = checks_[{name, backend->servers[i]->url}];
      if (old && old.mapped()->Continue(backend, i)) {
        check = std::move(old.mapped());
        continue;
      }
      std::optional<io::Instant> next;
      if (old) next = old.mapped()->due();
      check = std::make_unique<Check>(*this, backend, i, next);
    }
  }
  for (const auto& [server, check] : before) check->Forget();
}

}  // namespace upgate::backend
