#include "plugins/stats/stats.h"

namespace upgate::plugins {
namespace {

class StatsSocket final : public plugin::SocketHandler {
 public:
  StatsSocket(plugin::Socket& socket, plugin::Host& host) : socket_(socket), host_(host) {}
  void OnMessage(plugin::MessageKind, MutableBytes) override {
    socket_.Send(plugin::MessageKind::kText, AsBytes(host_.StatsJson()));
  }

 private:
  plugin::Socket& socket_;
  plugin::Host& host_;
};

class Stats final : public plugin::Service {
 public:
  explicit Stats(plugin::Host& host) : host_(host) {}
  bool serves_http() const override { return true; }
  bool serves_websocket() const override { return true; }

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
    response.headers.Add("Content-Type", prometheus ? "text/plain; version=0.0.4" : "application/json");
    response.headers.Add("Cache-Control", "no-store");
    response.body = prometheus ? host_.StatsPrometheus() : host_.StatsJson();
    exchange.Respond(std::move(response));
    return nullptr;
  }

  std::unique_ptr<plugin::SocketHandler> OnSocket(plugin::Socket& socket) override {
    return std::make_unique<StatsSocket>(socket, host_);
  }

 private:
  plugin::Host& host_;
};

}  // namespace

std::unique_ptr<plugin::Service> MakeStats(const config::Value& options, plugin::Host& host,
                                           std::vector<config::ConfigError>& errors) {
  plugin::RejectOptions(options, "stats", errors);
  return std::make_unique<Stats>(host);
}

}  // namespace upgate::plugins
