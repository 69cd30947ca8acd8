#pragma once

#include <cstddef>
#include <cstdint>
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

// The operations on a running gateway:
//
//   GET /sessions            lists the open sessions, filtered, sorted and in pages
//   GET, DELETE /sessions/N  shows or closes one session
//   DELETE /sessions?...     closes the sessions that match a filter
//   POST /drain, /undrain    takes a server, route or listener out of service, and back
//
// Responses are JSON, and errors have the form {"error": ...}. All loops are asked at once, by
// posted tasks, and their results are merged on the loop of the admin address, on which everything
// here runs.
class Operations {
 public:
  struct Setup {
    upgrade::PostToLoop post;  // loop 0 is that of the admin address
    std::size_t loops = 1;
    // Returns the serving generation. Called on the loop of the admin address.
    std::function<std::shared_ptr<const upgrade::Generation>()> generation;
    Log& log;
  };
  // The most requests in progress at a time; others get 503.
  static constexpr std::size_t kMostAtOnce = 4;

  // Must outlive the loops.
  explicit Operations(Setup setup) : setup_(std::move(setup)) {}

  static bool Handles(std::string_view path);
  // Answers a request whose path Handles accepts. The client may go away at any time.
  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange);

 private:
  using Handler = std::unique_ptr<http::ExchangeHandler>;
  using Gateway = upgrade::Gateway;
  // The `drained` flags that one request sets or clears.
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

  // For a filter that matches no session: a name in it that the serving configuration does not
  // have, which is probably a mistake.
  std::optional<Problem> UnknownIn(const upgrade::SessionFilter& filter) const;

  // Calls `ask` on every loop; `merge` gets each result, and `done` is called once all loops have
  // answered. Both are called on the loop of the admin address.
  template <class Part>
  void AskAll(const std::function<void(Gateway&, std::function<void(Part)>)>& ask,
              std::function<void(Part)> merge, std::function<void()> done);
  // Calls `ask` on the loop of a session, which the id determines.
  template <class Part>
  void AskOne(std::uint64_t session, std::function<Part(Gateway&)> ask,
              std::function<void(Part)> done);
  std::size_t LoopOf(std::uint64_t session) const { return (session - 1) % setup_.loops; }

  const Setup setup_;
  std::size_t running_ = 0;
};

}  // namespace upgate::admin
