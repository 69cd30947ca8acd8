#include "gateway/app/demo/http_server.h"

#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/app/demo/request.h"
#include "gateway/base/json.h"

namespace upgate::app {
namespace {

Json TimeJson(std::int64_t unix_seconds) {
  return {{"unix", unix_seconds}, {"http", http::HttpDate(unix_seconds)}};
}

http::Response JsonResponse(const Json& json) {
  http::Response response;
  response.headers.Add("Content-Type", "application/json");
  response.headers.Add("Cache-Control", "no-store");
  response.body = DumpJson(json);
  return response;
}

}  // namespace

// One client of /api/events. Destroying it ends the events.
class DemoHttpServer::EventStream final : public http::ExchangeHandler, private io::Timer::Owner {
 public:
  EventStream(http::Exchange& exchange, io::Timers& timers)
      : exchange_(exchange), timers_(timers), timer_(timers, *this) {
    http::Response head;
    head.headers.Add("Content-Type", "text/event-stream");
    head.headers.Add("Cache-Control", "no-store");
    exchange_.SendHead(head, {});
    SendEvent();
  }

 private:
  static constexpr io::Millis kInterval{1'000};

  void SendEvent() {
    // congested() is not checked: the connection resets a client that does not read, and these few
    // bytes a second add little to its queue.
    exchange_.SendBody(AsBytes(fmt::format("event: tick\nid: {}\ndata: {}\n\n", ++id_,
                                           DumpJson(TimeJson(timers_.UnixSeconds())))));
    timer_.Arm(kInterval);
  }
  void OnTimer(io::Timer&) override { SendEvent(); }

  http::Exchange& exchange_;
  io::Timers& timers_;
  io::Timer timer_;
  std::uint64_t id_ = 0;
};

DemoHttpServer::DemoHttpServer(io::Loop loop) : loop_(loop) {
  options_.server_name = "demo";
}

DemoHttpServer::~DemoHttpServer() = default;

Result<SocketAddress> DemoHttpServer::Listen() {
  auto listener = loop_.network.Listen(IpPort{*Ip::Parse("127.0.0.1"), 0}, {}, *this);
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::move(*listener);
  return listener_->address();
}

void DemoHttpServer::OnAccept(std::unique_ptr<io::ByteStream> stream) {
  auto connection = http::ServerConnection::Start(std::move(stream), loop_, options_, *this, *this);
  http::ServerConnection* key = connection.get();
  connections_.emplace(key, std::move(connection));
}

std::unique_ptr<http::ExchangeHandler> DemoHttpServer::OnRequest(http::Exchange& exchange) {
  const http::Request& request = exchange.request();
  if (request.target.path == "/api/headers") {
    exchange.Respond(JsonResponse(RequestHead(request)));
  } else if (request.method != "GET" && request.method != "HEAD") {
    http::Response refusal = http::TextResponse(405, "only GET is allowed");
    refusal.headers.Add("Allow", "GET, HEAD");
    exchange.Respond(std::move(refusal));
  } else if (request.target.path == "/api/time") {
    exchange.Respond(JsonResponse(TimeJson(loop_.timers.UnixSeconds())));
  } else if (request.target.path == "/api/events" && request.method == "GET") {
    return std::make_unique<EventStream>(exchange, loop_.timers);
  } else {
    exchange.Respond(http::TextResponse(
        404, "the demo's HTTP server has /api/time, /api/headers and /api/events"));
  }
  return nullptr;
}

void DemoHttpServer::OnConnectionDone(http::ServerConnection& connection) {
  auto node = connections_.extract(&connection);
  if (!node.empty()) loop_.turn.DeferDelete(std::move(node.mapped()));
}

}  // namespace upgate::app
