#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/scalar.h"
#include "gateway/http/exchange.h"
#include "gateway/io/timers.h"
#include "gateway/plugin/resolver.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/loop_resolver.h"

namespace upgate::upgrade {

// A request on a route with a resolver: waits for the answer, looks up the name in it, checks the
// addresses by `allow`, and is from then on a Handshake or a Proxy with that server. Destroying it,
// because the client is gone, cancels what is under way.
class Gateway::Resolving final : public http::ExchangeHandler,
                                 private plugin::ReplyTarget,
                                 private io::ResolveHandler,
                                 private io::Timer::Owner {
 public:
  // As for a Proxy; `onward` is without its backend.
  Resolving(Gateway& gateway, http::Exchange& exchange, Ref<ListenerContext> listener,
            RouteContext& route, route::SeenAs seen, Onward onward,
            std::unique_ptr<Admission> admission);
  ~Resolving() override;

 private:
  void OnBody(Bytes bytes) override;
  void OnBodyEnd(const http::Headers& trailers) override;
  void OnWritable() override;
  std::size_t held_bytes() const override { return next_ ? next_->held_bytes() : 0; }

  void OnAnswer(plugin::ResolverAnswer answer) override;
  void OnResolved(const std::vector<Ip>& addresses) override;
  void OnResolveFailed(const Error& error) override;
  void OnTimer(io::Timer& timer) override;

  void Ask();
  // To a server that was named, if it may be.
  void GoTo(std::string_view target);
  void Connect(const std::vector<Ip>& addresses);
  // Ends it with this response; `why` is for the log.
  void Refuse(stats::Resolution outcome, std::string_view why);
  void Count(stats::Resolution outcome);
  void StopAsking();

  Gateway& gateway_;
  http::Exchange& exchange_;
  const Ref<ListenerContext> listener_;
  const Ref<RouteContext> context_;
  LoopResolver& resolver_;  // the context's
  route::SeenAs seen_;
  Onward onward_;
  std::unique_ptr<Admission> admission_;
  io::Timer timer_;
  std::string token_;
  std::string key_;  // of the cache of answers, then of the servers found
  plugin::Reply reply_;
  std::unique_ptr<io::Deletable> asking_;
  std::unique_ptr<io::Pending> looking_up_;
  config::ServerUrl server_;
  std::string url_;  // of the server, for logs: not where the token is a part of it
  // What came of the request's body while the proxy was made, which may ask for it at once.
  std::string early_body_;
  std::optional<http::Headers> early_end_;
  bool answered_ = false;
  bool cached_ = false;
  bool counted_ = false;
  std::unique_ptr<http::ExchangeHandler> next_;  // first to go: it uses the route
};

}  // namespace upgate::upgrade
