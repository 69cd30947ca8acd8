#pragma once

#include <memory>
#include <utility>

#include "gateway/upgrade/gateway.h"

namespace upgate::upgrade {

// One listener's way into the gateway of one loop: takes the requests of its connections. Outlives
// them; on the loop's thread.
class Port final : public http::RequestHandler {
 public:
  // What is borrowed outlives the port.
  Port(Gateway& gateway, std::shared_ptr<const ListenerRecord> listener,
       http::ClientPlaces& places);

  // For requests from now on; of the same name.
  void SetListener(std::shared_ptr<const ListenerRecord> listener);
  const ListenerRecord& listener() const { return *listener_->record; }

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override;
  void OnAnswer(int status) override { stats_.CountResponse(status); }
  void OnRequestDone(const http::RequestSummary& summary) override;
  void OnConnectionError(const Error& error) override;

 private:
  Gateway& gateway_;
  Ref<ListenerContext> listener_;
  http::ClientPlaces& places_;
  stats::ListenerStats& stats_;
};

}  // namespace upgate::upgrade
