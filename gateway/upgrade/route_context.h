#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "gateway/backend/http_pool.h"
#include "gateway/backend/pool.h"
#include "gateway/base/ref.h"
#include "gateway/config/config.h"
#include "gateway/session/session_slot.h"
#include "gateway/upgrade/decision.h"
#include "gateway/upgrade/generation.h"
#include "gateway/upgrade/service_host.h"

namespace upgate::upgrade {

// A listener of a configuration, on one loop: held by the requests that came by it.
struct ListenerContext final : RefCounted {
  explicit ListenerContext(std::shared_ptr<const ListenerRecord> owner)
      : record(std::move(owner)), config(*record->config) {}
  const std::shared_ptr<const ListenerRecord> record;
  const config::Listener& config;
};

// The servers of a backend and the connections to them, on one loop. Held by the routes that lead
// there.
class LoopBackend final : public RefCounted {
 public:
  // What is borrowed is the loop's; see backend::Pool.
  LoopBackend(std::shared_ptr<const backend::BackendRecord> record, io::Loop loop,
              tls::Scratch& scratch, backend::ServerWatcher& watcher, SharedLimit& idle_servers,
              std::size_t index);

  const backend::BackendRecord& record() const { return *record_; }
  backend::Pool& pool() { return pool_; }
  // nullptr where the servers take bytes.
  backend::HttpPool* http() { return http_ ? &*http_ : nullptr; }

 private:
  const std::shared_ptr<const backend::BackendRecord> record_;
  backend::Pool pool_;
  std::optional<backend::HttpPool> http_;
};

// Where a route leads on one loop.
using Target = std::variant<Ref<LoopBackend>, Ref<ServiceHost>>;

// All that a request on a route needs, on one loop: what the route says, its numbers, its limit and
// what is behind it. What begins on the route (an exchange with a server or a service, a handshake,
// a session) holds it, and with it everything that it uses.
class RouteContext final : public RefCounted {
 public:
  // `record` has its row and limit. `index` of the loop.
  RouteContext(std::shared_ptr<const RouteRecord> record, Target target, std::size_t index);

  const RouteRecord& record() const { return *record_; }
  const config::Route& config() const { return *record_->config; }
  const std::string& name() const { return record_->name; }
  stats::RouteStats& stats() { return stats_; }
  const Behind& behind() const { return behind_; }
  const Target& target() const { return target_; }
  // nullptr for a route to a backend, or to a service.
  ServiceHost* service() const;
  LoopBackend* backend() const;
  // What stands in the place of a server's URL: "plugin:echo"; empty for a route to a backend.
  const std::string& service_name() const { return service_name_; }

  void Count(stats::HandshakeOutcome outcome) {
    stats_.handshakes[static_cast<std::size_t>(outcome)].Add();
  }
  // Nothing when the route has as many sessions as it may have.
  std::optional<session::SessionSlot> TakeSlot();

 private:
  const std::shared_ptr<const RouteRecord> record_;  // outlives the host in the target
  stats::RouteStats& stats_;
  const Target target_;
  const Behind behind_;
  const std::string service_name_;
};

// The route of a session, which was made with a slot of one.
RouteContext& ContextOf(const session::SessionSlot& slot);

}  // namespace upgate::upgrade
