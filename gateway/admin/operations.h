#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/admin/parameters.h"
#include "gateway/admin/sessions.h"
#include "gateway/base/log.h"
#include "gateway/http/exchange.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/generation.h"

namespace upgate::admin {

// What operators do to a gateway that serves:
//
//   GET /sessions            the open sessions, filtered, sorted and in pages
//   GET, DELETE /sessions/N  one of them
//   DELETE /sessions?...     closes those that a filter selects
//   POST /drain, /undrain    takes a server, a route or a listener out of service, and back
//
// All answers are JSON; what is not done says why, as {"error": ...}. All loops are asked at once,
// and what they find comes together on the loop of the admin address, where everything here runs.
class Operations {
 public:
  struct Setup {
    upgrade::PostToLoop post;  // loop 0 is that of the admin address
    std::size_t loops = 1;
    // Of the configuration that serves; asked on the loop of the admin address.
    std::function<std::shared_ptr<const upgrade::Generation>()> generation;
    Log& log;
  };
  // Requests that are being worked on; more get 503.
  static constexpr std::size_t kMostAtOnce = 4;

  // Outlives the loops.
  explicit Operations(Setup setup) : setup_(std::move(setup)) {}

  static bool Handles(std::string_view path);
  // For a path that it handles. The client may go away at any time.
  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange);

 private:
  using Handler = std::unique_ptr<http::ExchangeHandler>;
  using Gateway = upgrade::Gateway;
  // The switches of what a drain is about.
  struct Drainable;

  Handler OnSessions(http::Exchange& exchange);
  Handler OnSession(http::Exchange& exchange, std::string_view id);
  Handler Find(http::Exchange& exchange);
  Handler Close(http::Exchange& exchange);
  Handler FindOne(http::Exchange& exchange, std::uint64_t id);
  Handler CloseOne(http::Exchange& exchange, std::uint64_t id);
  Handler OnDrain(http::Exchange& exchange, bool drain);
  Handler Drain(http::Exchange& exchange, Drainable what, io::Millis spread);
  Read<Drainable> ReadDrainable(const Parameters& parameters) const;

  void WritePage(const std::shared_ptr<PageText>& text,
                 const std::function<void(http::Response)>& reply);

  // Names in a filter that nothing has may be a mistake.
  std::optional<Problem> UnknownIn(const upgrade::SessionFilter& filter) const;

  // Asks every loop; `merge` gets each part, and `done` is called once when all have answered. Both
  // on the loop of the admin address.
  template <class Part>
  void AskAll(std::function<void(Gateway&, std::function<void(Part)>)> ask,
              std::function<void(Part)> merge, std::function<void()> done);
  // Asks the loop of a session.
  template <class Part>
  void AskOne(std::uint64_t session, std::function<Part(Gateway&)> ask,
              std::function<void(Part)> done);
  std::size_t LoopOf(std::uint64_t session) const { return (session - 1) % setup_.loops; }

  const Setup setup_;
  std::size_t running_ = 0;
};

}  // namespace upgate::admin
