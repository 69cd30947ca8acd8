#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/http/client_places.h"
#include "gateway/http/exchange.h"
#include "gateway/plugin/service.h"
#include "gateway/route/origin.h"
#include "gateway/session/compression.h"
#include "gateway/session/compression_pool.h"
#include "gateway/session/context.h"
#include "gateway/session/session.h"
#include "gateway/session/session_table.h"
#include "gateway/stats/stats.h"
#include "gateway/upgrade/decision.h"
#include "gateway/upgrade/loop_routes.h"
#include "gateway/upgrade/session_query.h"
#include "gateway/upgrade/shared_counts.h"
#include "gateway/upgrade/spread_closes.h"
#include "gateway/ws/close.h"
#include "gateway/ws/handshake.h"

namespace upgate::upgrade {

class Gateway;

// Runs a task with the gateway of another loop, on that loop's thread. Thread-safe; tasks from one
// loop to another keep their order.
using PostToLoop =
    std::function<void(std::size_t loop, std::move_only_function<void(Gateway&)> task)>;

// What all loops share; made once, before they start. Borrowed things outlive the gateways.
struct Shared {
  const plugin::StatsSource& stats;
  SharedCounts& counts;
  backend::ServerWatcher& servers;
  io::MemoryTotal& memory;
  Log& log;
  PostToLoop post;
};

// The upgrade of one client that passed every policy: what is needed for the 101 and the session
// behind it.
struct Admission {
  session::SessionSlot slot;  // of the route
  ws::Offer offer;
  std::string subprotocol;
  config::Encoding encoding = config::Encoding::kBinary;
  std::optional<ws::DeflateAgreement> compression;
  http::Headers cors;
  std::string url;  // ws or wss, as the client sees it
  std::string client;
  session::Asked asked;
  std::uint64_t started_us = 0;
  http::ClientPlaces* places = nullptr;  // of the listener that the client came to
};

// One loop's gateway: takes requests from its listeners, finds their routes, applies the policies,
// opens the backends and keeps the sessions. Serves once it has a configuration (Adopt), and goes
// on while another takes its place. On its loop's thread.
class Gateway final : private session::Session::Owner, private ServicePost {
 public:
  // `index` of `loops`: which loop this is. `scratch` belongs to the loop.
  Gateway(const Shared& shared, io::Loop loop, tls::Scratch& scratch, stats::LoopStats& stats,
          std::size_t index, std::size_t loops);
  ~Gateway();

  // A configuration that takes the place of the one that serves, or the first one: see LoopRoutes.
  // From Switch on it serves. Sessions stay as they are, but for those whose route, server or
  // listener is gone, or whose route leads elsewhere: with these it is as their route's on_change
  // says. `listeners_gone`: see LoopListeners, which comes first.
  void Prepare(std::shared_ptr<const Generation> generation);
  void Switch(bool listeners_gone);
  void Adopt(std::shared_ptr<const Generation> generation);

  // A request that came by a listener, which the caller owns; `places` outlive the gateway's
  // sessions.
  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange,
                                                   const Ref<ListenerContext>& listener,
                                                   http::ClientPlaces& places);

  // Closes every session, over `spread`, and refuses requests on connections that had one before. A
  // handshake that is under way becomes a session that is closed at once. `empty` is called
  // whenever none is left, which may be now; from deep inside of other calls.
  void Drain(std::uint16_t code, io::Millis spread, std::function<void()> empty);
  // Ends every session at once.
  void Abandon();

  // For operators. Sessions are looked at a few in a turn, and `done` is called when all were;
  // never, if the gateway goes before. Those that come meanwhile are not seen. In
  // gateway_operator.cc.
  void FindSessions(const SessionQuery& query, std::function<void(SessionPage)> done);
  // Closes the sessions for which the filter holds, over a time; `done` gets their number.
  struct CloseOrder {
    SessionFilter filter;
    std::uint16_t code = ws::close_code::kPolicyViolation;
    std::string reason;
    io::Millis spread{0};
    bool only_drained = false;  // and only those that are drained, also when their turn comes
  };
  void CloseSessions(const CloseOrder& order, std::function<void(std::size_t)> done);
  // One of them; nullptr when it is not there.
  const session::Session* FindSession(std::uint64_t id) const { return sessions_.Find(id); }
  // False when it is not there.
  bool CloseSession(std::uint64_t id, std::uint16_t code, std::string_view reason);

  std::size_t sessions() const { return sessions_.size(); }
  // Sessions that are to be closed, over a time.
  std::size_t closing() const { return closes_.waiting(); }
  LoopRoutes& routes() { return routes_; }
  const Shared& shared() const { return shared_; }
  io::Loop loop() const { return context_.loop; }

 private:
  class Handshake;
  class Proxy;

  std::unique_ptr<http::ExchangeHandler> OnUpgrade(http::Exchange& exchange,
                                                   const Ref<ListenerContext>& listener,
                                                   RouteContext& route, const route::SeenAs& seen,
                                                   Admission admission);
  void RefuseUnrouted(http::Exchange& exchange, const config::Listener& listener,
                      const route::SeenAs& seen, bool ambiguous);
  Admission Admit(const http::Request& request, const route::SeenAs& seen, Accepted accepted,
                  http::Headers cors) const;
  // Counts and logs that no server of the route's backend could be had; what to answer.
  http::Response OnBackendFailed(const RouteContext& route, std::string_view client,
                                 const backend::OpenError& error);
  void LogBackendFailed(const RouteContext& route, std::string_view client, std::string_view why,
                        io::Seldom& lines);
  // `route` is nullptr where there is none; `status` is 0 where a service has not answered yet.
  void LogRefusal(const http::Request& request, const RouteContext* route,
                  const route::SeenAs& seen, int status, std::string_view why);

  struct Admitted {
    http::Upgraded upgraded;
    session::Facts facts;
  };
  // What the session needs for the compression that was agreed on. Where there is no memory for it
  // the agreement is taken back.
  std::unique_ptr<session::Compression> OpenCompression(Admission& admission);
  http::Response Make101(const Admission& admission) const;
  // Sends the 101 and takes the client's connection over; nothing when the client is gone. `server`
  // is nullptr for a service.
  std::optional<Admitted> Answer101(http::Exchange& exchange, Admission& admission,
                                    const http::Response& answer, const backend::Server* server);
  void EstablishService(http::Exchange& exchange, Admission& admission);
  void EstablishBytes(http::Exchange& exchange, Admission& admission,
                      std::unique_ptr<io::ByteStream> stream, const backend::Server& server);
  // `server_compression`: agreed on with the server, for a route that enforces rules; nullptr for
  // none.
  void EstablishFrames(http::Exchange& exchange, Admission& admission, const http::Response& answer,
                       http::Upgraded server_side, const backend::Server& server,
                       std::unique_ptr<session::Compression> server_compression);
  void Launch(std::unique_ptr<session::Session> session, std::string early);
  // Whether what the session was made for is not there any more.
  bool IsOutdated(const session::Session& session);
  void EndOutdated();
  // Whether an operator has drained the session's route, server or listener.
  bool IsDrained(const session::Session& session) const;
  void CloseOver(const std::vector<std::uint64_t>& ids, const CloseOrder& order);
  // `route` is nullptr where the listener is drained.
  std::unique_ptr<http::ExchangeHandler> RefuseDrained(http::Exchange& exchange,
                                                       const config::Listener& listener,
                                                       const route::SeenAs& seen,
                                                       RouteContext* route);
  void CloseOutdated(std::vector<std::uint64_t> sessions, io::Millis spread);
  void OnSessionDone(session::Session& session) override;
  void Forget(session::Session& session);
  // Closes it when it is as old as its route allows, or a little earlier.
  void LimitAge(session::Session& session);
  void LogOpen(const session::Facts& facts, const Admission& admission);
  void LogClose(const session::Session& session);

  void PostToService(std::size_t loop, const plugin::Service& service,
                     plugin::Host::Task task) override;

  const Shared& shared_;
  session::Context context_;
  stats::LoopStats& stats_;
  LoopRoutes routes_;
  session::CompressionPool compression_pool_;
  session::SessionTable sessions_;
  SpreadCloses closes_;
  std::uint64_t next_id_;
  std::uint64_t id_step_;
  const std::uint64_t clock_start_ms_;  // by the clock that all loops share
  bool draining_ = false;
  std::function<void()> empty_;                           // while draining
  std::shared_ptr<const SpreadCloses::Reason> shutdown_;  // while draining
  const std::shared_ptr<const SpreadCloses::Reason> too_old_;
};

}  // namespace upgate::upgrade
