#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/backend/http_pool.h"
#include "gateway/backend/pool.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/http/exchange.h"
#include "gateway/plugin/service.h"
#include "gateway/route/origin.h"
#include "gateway/route/router.h"
#include "gateway/session/client_places.h"
#include "gateway/session/compression.h"
#include "gateway/session/compression_pool.h"
#include "gateway/session/context.h"
#include "gateway/session/decision.h"
#include "gateway/session/server_log.h"
#include "gateway/session/session.h"
#include "gateway/session/shared_counts.h"
#include "gateway/stats/stats.h"
#include "gateway/ws/handshake.h"

namespace upgate::session {

class Gateway;

// Runs a task with the gateway of another loop, on that loop's thread. Thread-safe; tasks from one
// loop to another keep their order.
using PostToLoop =
    std::function<void(std::size_t loop, std::move_only_function<void(Gateway&)> task)>;

// What all loops share; made once, before they start. Borrowed things outlive the gateways.
struct Shared {
  std::shared_ptr<const config::Config> config;
  const route::Router& router;
  // By route; nullptr for routes to backends.
  const std::vector<std::unique_ptr<plugin::Service>>& services;
  const plugin::StatsSource& stats;
  // By backend name; only backends with tls:// servers have one.
  const std::map<std::string, std::shared_ptr<tls::ClientContext>>& client_tls;
  SharedCounts& counts;
  backend::ServerWatcher& servers;
  io::MemoryTotal& memory;
  Log& log;
  PostToLoop post;
};

// The upgrade of one client that passed every policy: what is needed for the 101 and the session
// behind it.
struct Admission {
  const config::Route* route = nullptr;
  ws::Offer offer;
  std::string subprotocol;
  config::Encoding encoding = config::Encoding::kBinary;
  std::optional<ws::DeflateAgreement> compression;
  http::Headers cors;
  std::string url;  // ws or wss, as the client sees it
  std::string client;
  Asked asked;
  std::uint64_t started_us = 0;
  ClientPlaces* places = nullptr;  // of the listener that the client came to
};

// One loop's gateway: takes requests from its listeners, finds their routes, applies the policies,
// opens the backends and keeps the sessions. On its loop's thread.
class Gateway final : private Session::Owner {
 public:
  // `index` of `loops`: which loop this is. `scratch` belongs to the loop; `places`, by listener,
  // outlive it.
  Gateway(const Shared& shared, io::Loop loop, tls::Scratch& scratch,
          std::deque<ClientPlaces>& places, stats::LoopStats& stats, std::size_t index,
          std::size_t loops);
  ~Gateway();

  // Where the connections of a listener bring their requests; `listener` is its place in the
  // configuration.
  http::RequestHandler& ForListener(std::size_t listener);

  // Closes every session with 1001 and refuses new ones. `empty` is called once none is left, or at
  // once when there is none.
  void Drain(std::function<void()> empty);
  // Ends every session at once.
  void Abandon();

  std::size_t sessions() const { return sessions_.size(); }

 private:
  class Port;
  class ServiceHost;
  class Handshake;
  class Proxy;

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange,
                                                   const config::Listener& listener,
                                                   ClientPlaces& places);
  std::unique_ptr<http::ExchangeHandler> OnUpgrade(http::Exchange& exchange,
                                                   const config::Listener& listener,
                                                   const config::Route& route,
                                                   const route::SeenAs& seen, Admission admission);
  void RefuseUnrouted(http::Exchange& exchange, const config::Listener& listener,
                      const route::SeenAs& seen, bool ambiguous);
  Admission Admit(const http::Request& request, const config::Route& route,
                  const route::SeenAs& seen, Accepted accepted, http::Headers cors) const;
  void Count(const config::Route& route, stats::HandshakeOutcome outcome);
  // Counts and logs that no server of the route's backend could be had; what to answer.
  http::Response OnBackendFailed(const config::Route& route, std::string_view client,
                                 const backend::OpenError& error);
  void LogBackendFailed(const config::Route& route, std::string_view client, std::string_view why,
                        io::Seldom& lines);
  // `route` is nullptr where there is none; `status` is 0 where a service has not answered yet.
  void LogRefusal(const http::Request& request, const config::Route* route,
                  const route::SeenAs& seen, int status, std::string_view why);

  struct Admitted {
    http::Upgraded upgraded;
    Facts facts;
  };
  // What the session needs for the compression that was agreed on. Where there is no memory for it
  // the agreement is taken back.
  std::unique_ptr<Compression> OpenCompression(Admission& admission);
  http::Response Make101(const Admission& admission) const;
  // Sends the 101 and takes the client's connection over; nothing when the client is gone. `server`
  // is nullptr for a service.
  std::optional<Admitted> Answer101(http::Exchange& exchange, Admission& admission,
                                    const http::Response& answer, const config::Server* server);
  void EstablishService(http::Exchange& exchange, Admission& admission);
  void EstablishBytes(http::Exchange& exchange, Admission& admission,
                      std::unique_ptr<io::ByteStream> stream, const config::Server& server);
  // `server_compression`: agreed on with the server, for a route that enforces rules; nullptr for
  // none.
  void EstablishFrames(http::Exchange& exchange, Admission& admission, const http::Response& answer,
                       http::Upgraded server_side, const config::Server& server,
                       std::unique_ptr<Compression> server_compression);
  void Launch(std::unique_ptr<Session> session, std::string early);
  void OnSessionDone(Session& session) override;
  void Forget(Session& session);

  const Shared& shared_;
  Context context_;
  stats::LoopStats& stats_;
  CompressionPool compression_pool_;
  std::vector<std::unique_ptr<Port>> ports_;  // by listener
  std::vector<std::unique_ptr<ServiceHost>>
      service_hosts_;  // by route; nullptr for routes to backends
  std::map<std::string, std::unique_ptr<backend::Pool>, std::less<>> pools_;
  std::map<std::string, std::unique_ptr<backend::HttpPool>, std::less<>>
      http_pools_;  // of backends that speak HTTP
  std::unordered_map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::uint64_t next_id_;
  std::uint64_t id_step_;
  bool draining_ = false;
  std::function<void()> empty_;
};

}  // namespace upgate::session
