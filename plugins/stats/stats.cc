#include "plugins/stats/stats.h"

#include <optional>
#include <utility>

namespace upgate::plugins {
namespace {

// The statistics as a message, re-encoded only when they change.
class CurrentMessage {
 public:
  explicit CurrentMessage(const plugin::StatsSource& stats) : stats_(stats) {}

  const plugin::Message& Get() {
    auto text = stats_.StatsJson();
    if (text != text_) {
      message_.emplace(plugin::MessageKind::kText, AsBytes(*text));
      text_ = std::move(text);
    }
    return *message_;
  }

 private:
  const plugin::StatsSource& stats_;
  plugin::StatsSource::Text text_;
  std::optional<plugin::Message> message_;
};

class StatsSocket final : public plugin::SocketHandler {
 public:
  StatsSocket(plugin::Socket& socket, CurrentMessage& current)
      : socket_(socket), current_(current) {}
  void OnMessage(plugin::MessageKind, MutableBytes) override { socket_.Send(current_.Get()); }

 private:
  plugin::Socket& socket_;
  CurrentMessage& current_;
};

class StatsInstance final : public plugin::Instance {
 public:
  explicit StatsInstance(const plugin::StatsSource& stats) : stats_(stats), current_(stats) {}

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override {
    const http::Request& request = exchange.request();
    if (request.method != "GET" && request.method != "HEAD") {
      http::Response refusal = http::TextResponse(405, "statistics are read with GET");
      refusal.headers.Add("Allow", "GET, HEAD");
      exchange.Respond(std::move(refusal));
      return nullptr;
    }
    const bool prometheus = http::QueryValue(request.target.query, "format") == "prometheus";
    http::Response response;
    response.headers.Add("Content-Type",
                         prometheus ? "text/plain; version=0.0.4" : "application/json");
    response.headers.Add("Cache-Control", "no-store");
    response.body = *(prometheus ? stats_.StatsPrometheus() : stats_.StatsJson());
    exchange.Respond(std::move(response));
    return nullptr;
  }

  std::unique_ptr<plugin::SocketHandler> OnSocket(plugin::Socket& socket) override {
    return std::make_unique<StatsSocket>(socket, current_);
  }

 private:
  const plugin::StatsSource& stats_;
  CurrentMessage current_;
};

class Stats final : public plugin::Service {
 public:
  bool serves_http() const override { return true; }
  bool serves_websocket() const override { return true; }
  std::unique_ptr<plugin::Instance> Start(plugin::Host& host) const override {
    return std::make_unique<StatsInstance>(host.stats());
  }
};

}  // namespace

std::unique_ptr<plugin::Service> MakeStats(plugin::ServiceSetup setup) {
  plugin::RejectOptions(setup.options, "stats");
  return std::make_unique<Stats>();
}

}  // namespace upgate::plugins
