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
#include "gateway/route/readings.h"
#include "gateway/session/compression.h"
#include "gateway/session/compression_pool.h"
#include "gateway/session/context.h"
#include "gateway/session/session.h"
#include "gateway/session/session_table.h"
#include "gateway/stats/stats.h"
#include "gateway/upgrade/decision.h"
#include "gateway/upgrade/loop_routes.h"
#include "gateway/upgrade/rechecks.h"
#include "gateway/upgrade/rewriter.h"
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

// What all loops share; created before they start. Everything is borrowed and outlives the
// gateways.
struct Shared {
  const plugin::StatsSource& stats;
  SharedCounts& counts;
  backend::ServerWatcher& servers;
  io::MemoryTotal& memory;
  Log& log;
  PostToLoop post;
};

// A WebSocket handshake of a client that passed every policy: what the 101 and the session need.
struct Admission {
  session::SessionSlot slot;  // holds the RouteContext
  Ref<RefCounted> target;     // see session::Facts
  ws::Offer offer;
  std::string subprotocol;
  config::Encoding encoding = config::Encoding::kBinary;
  std::optional<ws::DeflateAgreement> compression;
  http::Headers cors;
  std::uint64_t session = 0;  // the number that was promised to it; 0: none yet
  std::string protocol = {};  // of an upgrade to another protocol than WebSocket; empty: WebSocket
  std::string url;            // ws or wss, as the client sees it; in dialects that echo it
  bool secure = false;        // the client uses TLS, as far as we or a trusted proxy know
  std::string client;
  std::string proxy_id = {};  // that the server got in a PROXY header; empty: none
  session::Asked asked;
  std::uint64_t started_us = 0;
  http::ClientPlaces* places = nullptr;  // of the client's listener
  std::shared_ptr<const plugin::Identity> identity = {};
  backend::ServerUse use = {};  // the place on the server, once there is one
};

// The gateway of one loop: receives requests from its listeners, finds their routes, applies the
// policies, connects to servers and owns the sessions. Serves from the first Adopt or Switch on,
// also while one configuration replaces another. On its loop's thread.
class Gateway final : private session::Session::Owner, private ServicePost {
 public:
  // `index` is this loop's, below `loops`. `scratch` belongs to the loop. Everything is borrowed
  // and outlives the gateway.
  Gateway(const Shared& shared, io::Loop loop, tls::Scratch& scratch, stats::LoopStats& stats,
          std::size_t index, std::size_t loops);
  ~Gateway();

  // Replaces the serving generation in two steps; see LoopRoutes for these and `released`. Sessions
  // whose listener, route or server is gone, or whose route has another target, are closed as
  // on_change of their route says (see OnChangeOf); all others are unaffected. `listeners_gone` is
  // the result of LoopListeners::Adopt, which must be called before Switch. Adopt sets the
  // first one, at once.
  void Prepare(std::shared_ptr<const Generation> generation, LoopRoutes::Prepared done);
  void Switch(bool listeners_gone, std::function<void()> released);
  void Adopt(std::shared_ptr<const Generation> generation);

  // Handles a request that came by `listener`. The caller owns the result. `places` must outlive
  // the gateway's sessions.
  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange,
                                                   const Ref<ListenerContext>& came_by,
                                                   http::ClientPlaces& places);

  // Graceful shutdown: closes every session with `code`, spread over `spread`, and refuses later
  // requests on connections that have had one before. A handshake in progress becomes a session
  // that is closed at once. `empty` is called each time no session is left, possibly at once or
  // from inside other calls.
  void Drain(std::uint16_t code, io::Millis spread, std::function<void()> empty);
  // Aborts every session.
  void Abort();

  // For operators. Visits sessions in slices, one per turn of the loop, and then calls `done`;
  // never, if the gateway is destroyed before. Sessions that open in the meantime are not included.
  // In gateway_operator.cc.
  void FindSessions(const SessionQuery& query, std::function<void(SessionPage)> done);
  // Closes the sessions that match `filter`, spread over `spread`. `done` gets their number.
  struct CloseOrder {
    SessionFilter filter;
    std::uint16_t code = ws::close_code::kPolicyViolation;
    std::string reason;
    io::Millis spread{0};
    // Only sessions that are drained; checked again just before each is closed.
    bool only_drained = false;
  };
  void CloseSessions(const CloseOrder& order, std::function<void(std::size_t)> done);
  // Closes those of a server that health checks found down, over drain_spread; those whose turn
  // comes when it is up again stay.
  void CloseSessionsOf(const std::shared_ptr<const backend::ServerRecord>& server);
  // nullptr if there is no such session.
  const session::Session* FindSession(std::uint64_t id) const { return sessions_.Find(id); }
  // False if there is no such session.
  bool CloseSession(std::uint64_t id, std::uint16_t code, std::string_view reason);

  std::size_t sessions() const { return sessions_.size(); }
  // The number of sessions that are scheduled to be closed.
  std::size_t closing() const { return closes_.waiting(); }
  LoopRoutes& routes() { return routes_; }
  const Shared& shared() const { return shared_; }
  io::Loop loop() const { return context_.loop; }

 private:
  class Checking;
  class Handshake;
  class Proxy;
  class Resolving;

  // What goes on to a server, and where.
  struct Onward {
    Ref<LoopBackend> backend;  // nullptr: a resolver is to find it; or the route has a service
    std::unique_ptr<const Rewritten> rewritten;  // nullptr: nothing is changed
  };

  // A request that has found its route, and how it came. The exchange holds the route.
  struct Arrival {
    http::Exchange& exchange;
    const Ref<ListenerContext>& listener;
    http::ClientPlaces& places;
    RouteContext& route;
    route::SeenAs& seen;  // goes on with the request
  };
  // Whom the authenticators of a route have found the client to be.
  struct Known {
    std::shared_ptr<const plugin::Identity> identity = {};  // nullptr: nobody
    http::Headers to_server = {};
  };
  // A credential in a request, and who is to check it.
  struct Credential {
    LoopAuth* auth = nullptr;  // nullptr: there is none
    std::string text = {};
  };

  // Takes the credentials out of the request, and returns that which decides.
  static Credential TakeCredential(const Arrival& arrival);
  // For a request that may go on, as far as the policies say, once its client is known.
  std::unique_ptr<http::ExchangeHandler> Authenticate(const Arrival& arrival, Decision& decision,
                                                      Credential credential);
  std::unique_ptr<http::ExchangeHandler> Proceed(const Arrival& arrival, Decision& decision,
                                                 Known known);
  // Answers for an authenticator; `auth` is nullptr where there is no credential.
  void RefuseAccess(const Arrival& arrival, const Decision& decision, const LoopAuth* auth,
                    plugin::AuthAnswer answer);
  void LogAccess(const Arrival& arrival, const LoopAuth* auth, const plugin::AuthAnswer& answer);

  // In gateway_refusals.cc. Answers a request that the route does not take from this client, and
  // returns true.
  bool TurnAway(http::Exchange& exchange, const config::Listener& listener, RouteContext& route,
                const route::SeenAs& seen);
  // Gives the request its ids, and its responses the fields that the listener has for all; answers
  // it, and returns true, if it is to come by https. In gateway_front.cc.
  bool Welcome(http::Exchange& exchange, const config::Listener& listener,
               const route::SeenAs& seen);
  // What the route allows in bodies. Answers a request whose body is too large, and returns true.
  bool RefuseBody(http::Exchange& exchange, RouteContext& route, const route::SeenAs& seen);
  void NoteIds(session::Asked& asked, const http::Request& request) const;
  // For the log, with the ids of the request.
  session::Asked AskedFor(const http::Request& request, const RouteContext& route,
                          const route::SeenAs& seen) const;
  // Without those that a client may not set as header fields either; a server may treat them alike.
  http::Headers TrailersToServer(http::Headers trailers, const Rewritten* rewritten) const;
  // As TurnAway, after authentication: applies rates by user. Answers and returns true if refused.
  // `user`: empty for nobody.
  bool TurnUserAway(const Arrival& arrival, std::string_view user);
  void Refuse(http::Exchange& exchange, RouteContext& route, const route::SeenAs& seen,
              bool handshake, stats::Refusal why, stats::HandshakeOutcome outcome,
              http::Response response);
  // Answers a handshake of a client that has as many sessions as it may.
  std::unique_ptr<http::ExchangeHandler> RefuseSession(http::Exchange& exchange,
                                                       RouteContext& route,
                                                       const route::SeenAs& seen);
  std::unique_ptr<http::ExchangeHandler> OnUpgrade(http::Exchange& exchange,
                                                   const Ref<ListenerContext>& listener,
                                                   RouteContext& route, route::SeenAs& seen,
                                                   Onward onward, Admission admission);
  std::unique_ptr<http::ExchangeHandler> OnOrdinary(http::Exchange& exchange,
                                                    const Ref<ListenerContext>& came_by,
                                                    RouteContext& route, route::SeenAs& seen,
                                                    Onward onward);
  void IgnoreUpgrade(http::Exchange& exchange, RouteContext& route, const route::SeenAs& seen,
                     const config::Listener& listener, const Decision& decision,
                     std::string_view other);
  // Answers the request, and returns false, where the route's rewriting does not allow it.
  bool Rewrite(const Arrival& arrival, const Known& known, std::uint64_t session, Onward& onward);
  // The number for a session to come, where the route's rewriting needs it already.
  std::uint64_t PromiseSession(const RouteContext& route);
  void RefuseUnrouted(http::Exchange& exchange, const route::Facts& facts,
                      const route::Routed& routed);
  Admission Admit(const http::Request& request, const config::Route& route,
                  const route::SeenAs& seen, Accepted accepted, http::Headers cors) const;
  // For an upgrade to another protocol that the route allows.
  Admission AdmitOther(const http::Request& request, const config::Route& route,
                       const route::SeenAs& seen, std::string_view protocol) const;
  // Counts and logs a failure to connect to any server of the route; returns the response.
  http::Response OnBackendFailed(const RouteContext& route, std::string_view client,
                                 const session::Asked& asked, const backend::OpenError& error);
  // `status`: what the client gets; 0 if the response had begun.
  void LogBackendFailed(const RouteContext& route, std::string_view client,
                        const session::Asked& asked, int status, std::string_view why,
                        io::Seldom& lines);
  // `route` is nullptr if no route matched; `status` is 0 if a service has not answered yet.
  void LogRefusal(const http::Request& request, const RouteContext* route,
                  const route::SeenAs& seen, int status, std::string_view why);
  void LogRefused(std::string_view client, std::string_view route, const session::Asked& asked,
                  int status, std::string_view why);

  struct Admitted {
    http::Upgraded upgraded;
    session::Facts facts;
  };
  // Reserves memory for the negotiated compression. If there is not enough, removes the compression
  // from the admission and returns nullptr.
  std::unique_ptr<session::Compression> OpenCompression(Admission& admission);
  http::Response Make101(const Admission& admission) const;
  // Sends the 101 and takes over the client's connection; nullopt if the client is gone. `server`
  // is nullptr for a service.
  std::optional<Admitted> Answer101(http::Exchange& exchange, Admission& admission,
                                    const http::Response& answer, const backend::Server* server);
  void EstablishService(http::Exchange& exchange, Admission& admission);
  // `wish`: by which the server was chosen.
  void EstablishBytes(http::Exchange& exchange, Admission& admission, backend::Opened opened,
                      const backend::Wish& wish);
  // `server_compression`: negotiated with the server, on a route with `enforce`; nullptr for none.
  void EstablishFrames(http::Exchange& exchange, Admission& admission, const http::Response& answer,
                       http::Upgraded server_side, const backend::Server& server,
                       std::unique_ptr<session::Compression> server_compression,
                       const backend::Wish& wish);
  // For another protocol than WebSocket.
  void EstablishPipe(http::Exchange& exchange, Admission& admission, const http::Response& answer,
                     http::Upgraded server_side, const backend::Server& server);
  void Launch(std::unique_ptr<session::Session> session, std::string early);
  // True if the session's listener, route or server is gone, or its route has another target.
  bool IsOutdated(const session::Session& session);
  // True if the session's server was one of several behind a name, which is no longer among them,
  // and such sessions are to be closed. They are not outdated.
  bool IsOfGoneAddress(const session::Session& session);
  // on_change of the session's route as it is configured now; if that is gone, of the one that it
  // began on.
  config::OnChange OnChangeOf(const session::Session& session);
  void EndOutdated();
  // True if an operator has drained the session's route, server or listener.
  bool IsDrained(const session::Session& session) const;
  void CloseOver(const std::vector<std::uint64_t>& ids, const CloseOrder& order);
  void CloseWhileDown(const std::vector<std::uint64_t>& ids,
                      std::shared_ptr<const backend::ServerRecord> server);
  // `route` is nullptr if it is the listener that is drained.
  std::unique_ptr<http::ExchangeHandler> RefuseDrained(http::Exchange& exchange,
                                                       const config::Listener& listener,
                                                       const route::SeenAs& seen,
                                                       RouteContext* route);
  void CloseOfGoneAddresses(const std::vector<std::uint64_t>& sessions);
  void CloseOutdated(const std::vector<std::uint64_t>& sessions, io::Millis spread);
  void OnSessionDone(session::Session& session) override;
  void RecordEnd(session::Session& session);
  // Schedules the close for limits.max_age of its route, up to a tenth earlier (jitter), or for the
  // end of its credential.
  void LimitAge(session::Session& session);
  // A session's client may not stay, or that could not be found out.
  void EndRefused(std::uint64_t id, const plugin::AuthAnswer& answer);
  void LogRecheck(std::uint64_t id, const plugin::AuthAnswer& answer, bool ends);
  void CloseIfDown(const session::Session& session);
  void LogOpen(const session::Facts& facts, const Admission& admission);
  void LogClose(const session::Session& session);

  void PostToService(std::size_t loop, const plugin::Service& service,
                     plugin::Host::Task task) override;

  const Shared& shared_;
  const std::size_t index_;
  session::Context context_;
  stats::LoopStats& stats_;
  LoopRoutes routes_;
  session::CompressionPool compression_pool_;
  session::SessionTable sessions_;
  Rechecks rechecks_;  // goes before the sessions, which hold what it uses
  SpreadCloses closes_;
  std::uint64_t next_id_;
  std::uint64_t id_step_;
  const std::uint64_t clock_start_ms_;  // of this loop's clock, in the clock that all loops share
  bool draining_ = false;
  std::function<void()> empty_;                           // while draining
  std::shared_ptr<const SpreadCloses::Reason> shutdown_;  // while draining
  const std::shared_ptr<const SpreadCloses::Reason> too_old_;
};

}  // namespace upgate::upgrade
