#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/backend/http_pool.h"
#include "gateway/backend/pool.h"
#include "gateway/base/ref.h"
#include "gateway/config/config.h"
#include "gateway/session/session_slot.h"
#include "gateway/upgrade/decision.h"
#include "gateway/upgrade/generation.h"
#include "gateway/upgrade/service_host.h"
#include "gateway/upgrade/spread_closes.h"

namespace upgate::upgrade {

// A listener of a generation on one loop; held by its port and by the requests that came by it.
struct ListenerContext final : RefCounted {
  explicit ListenerContext(std::shared_ptr<const ListenerRecord> owner)
      : record(std::move(owner)), config(*record->config) {}
  const std::shared_ptr<const ListenerRecord> record;
  const config::Listener& config;
};

// The servers of a backend and the pooled connections to them, on one loop. Held by the contexts of
// the routes that lead to the backend.
class LoopBackend final : public RefCounted {
 public:
  // What is borrowed belongs to the loop; `index` is the loop's. See backend::Pool.
  LoopBackend(std::shared_ptr<const backend::BackendRecord> record, io::Loop loop,
              tls::Scratch& scratch, backend::ServerWatcher& watcher, SharedLimit& idle_servers,
              std::size_t index);

  const backend::BackendRecord& record() const { return *record_; }
  backend::Pool& pool() { return pool_; }
  // nullptr if the servers are tcp, tls or unix servers.
  backend::HttpPool* http() { return http_ ? &*http_ : nullptr; }

 private:
  const std::shared_ptr<const backend::BackendRecord> record_;
  backend::Pool pool_;
  std::optional<backend::HttpPool> http_;
};

class LoopAuth;
class LoopResolver;

// What a route leads to, on one loop.
using Target = std::variant<Ref<LoopBackend>, Ref<ServiceHost>, Ref<LoopResolver>>;
using Backends = std::vector<Ref<LoopBackend>>;
using Authenticators = std::vector<Ref<LoopAuth>>;

// Everything that a request on a route needs, on one loop: the route's settings, statistics,
// session limit and target. Whatever begins on the route (an exchange with a server or a service, a
// handshake, a session) holds a Ref to the context, which keeps alive everything that it uses, also
// after a reload has replaced the route. On the loop's thread.
class RouteContext final : public RefCounted {
 public:
  // `record` must have its row and limit. `split` and `auth`: in the order of the record. `index`
  // is the loop's.
  RouteContext(std::shared_ptr<const RouteRecord> record, Target target, Backends split,
               Authenticators auth, std::size_t index);
  ~RouteContext() override;

  const RouteRecord& record() const { return *record_; }
  const config::Route& config() const { return *record_->config; }
  const std::string& name() const { return record_->name; }
  stats::RouteStats& stats() { return stats_; }
  const Behind& behind() const { return behind_; }
  const Target& target() const { return target_; }
  // All but one of these are nullptr.
  ServiceHost* service() const;
  LoopBackend* backend() const;
  LoopResolver* resolver() const;
  // The backend for one client (SeenAs::client), where the route splits its clients: always the
  // same for the same address, on every loop, as long as the weights are. nullptr if the route
  // leads to no backend.
  LoopBackend* BackendFor(std::string_view client) const;
  // Empty: anybody is let in.
  const Authenticators& auth() const { return auth_; }
  // How sessions are closed when their credential ends; only on a route with authenticators.
  const std::shared_ptr<const SpreadCloses::Reason>& expired() const { return expired_; }
  // What stands in the place of a server's URL: "plugin:echo"; empty for other routes.
  const std::string& service_name() const { return service_name_; }

  void Count(stats::HandshakeOutcome outcome) {
    stats_.handshakes[static_cast<std::size_t>(outcome)].Add();
  }
  void CountAuth(stats::AuthOutcome outcome) {
    stats_.auth[static_cast<std::size_t>(outcome)].Add();
  }
  // True if requests are refused by the client's address, or by who it is otherwise; see
  // Gateway::TurnAway and TurnUserAway.
  bool restricts_clients() const { return restricts_clients_; }
  bool restricts_users() const { return restricts_users_; }
  // What limits by client go by. `client`: SeenAs::client; `user`: empty for nobody.
  ClientKey KeyOf(std::string_view client, std::string_view user) const;
  // The outcome of the handshake if limits.sessions or limits.sessions_per_client of the route is
  // reached.
  std::expected<session::SessionSlot, stats::HandshakeOutcome> TakeSlot(std::string_view client,
                                                                        std::string_view user);

 private:
  const std::shared_ptr<const RouteRecord> record_;  // must outlive the host in target_
  stats::RouteStats& stats_;
  const Target target_;
  const Backends split_;
  const Authenticators auth_;
  const std::shared_ptr<const SpreadCloses::Reason> expired_;
  const Behind behind_;
  const std::string service_name_;
  const bool restricts_clients_;
  const bool restricts_users_;
};

// The context that the slot's session holds. The slot must come from RouteContext::TakeSlot.
RouteContext& ContextOf(const session::SessionSlot& slot);

}  // namespace upgate::upgrade
