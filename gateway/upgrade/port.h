#pragma once

#include <memory>
#include <utility>

#include "gateway/upgrade/gateway.h"

namespace upgate::upgrade {

// Handles the requests of the connections of one listener on one loop, by passing them to the
// gateway. Outlives those connections. On the loop's thread.
class Port final : public http::RequestHandler {
 public:
  // `gateway` and `places` are borrowed and outlive the port.
  Port(Gateway& gateway, std::shared_ptr<const ListenerRecord> listener,
       http::ClientPlaces& places);

  // Replaces the record, for later requests. It must have the same name.
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
