#include "plugins/broadcast/publish_request.h"

#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/text.h"
#include "plugins/broadcast/hub.h"

namespace upgate::plugins::broadcast {
namespace {

// Text for media types that scripts usually want as a string.
plugin::MessageKind KindOf(const http::Request& request) {
  const std::string* type = request.headers.Find("content-type");
  if (type == nullptr) return plugin::MessageKind::kBinary;
  const std::string essence = ToLower(Trim(std::string_view(*type).substr(0, type->find(';'))));
  const bool text = essence.starts_with("text/") || essence == "application/json";
  return text ? plugin::MessageKind::kText : plugin::MessageKind::kBinary;
}

// The body of one POST to a room.
class PublishRequest final : public http::ExchangeHandler {
 public:
  PublishRequest(Hub& hub, http::Exchange& exchange)
      : hub_(hub), exchange_(exchange), charge_(hub.memory()) {}

  void OnBody(Bytes bytes) override {
    if (bytes.size() <= hub_.options().message_size - body_.size()) {
      Append(body_, bytes);
      return charge_.Set(io::HeapBytes(body_));
    }
    exchange_.Respond(http::TextResponse(
        413,
        "a message may have at most " + std::to_string(hub_.options().message_size) + " bytes"));
  }

  void OnBodyEnd(const http::Headers&) override {
    const plugin::MessageKind kind = KindOf(exchange_.request());
    if (kind == plugin::MessageKind::kText && !plugin::IsUtf8(AsBytes(body_))) {
      return exchange_.Respond(
          http::TextResponse(400, "the body is declared as text but is not UTF-8"));
    }
    // Publishers on sockets wait; this one can retry.
    if (hub_.overfull(exchange_.request().target.path)) {
      http::Response busy = http::TextResponse(503, "the subscribers cannot keep up");
      busy.headers.Add("Retry-After", "1");
      return exchange_.Respond(std::move(busy));
    }
    hub_.Publish(exchange_.request().target.path, plugin::Message(kind, AsBytes(body_)));
    http::Response published;
    published.status = 204;
    exchange_.Respond(std::move(published));
  }

  std::size_t held_bytes() const override { return charge_.bytes(); }

 private:
  Hub& hub_;
  http::Exchange& exchange_;
  std::string body_;
  io::MemoryCharge charge_;  // of body_
};

http::Response Refusal(const std::string& method) {
  if (method != "GET" && method != "HEAD") {
    http::Response refusal = http::TextResponse(405, "use POST to publish");
    refusal.headers.Add("Allow", "GET, POST");
    return refusal;
  }
  http::Response refusal =
      http::TextResponse(426, "only WebSocket connections and POST are supported here");
  refusal.headers.Add("Connection", "Upgrade");
  refusal.headers.Add("Upgrade", "websocket");
  return refusal;
}

}  // namespace

std::unique_ptr<http::ExchangeHandler> AnswerRequest(Hub& hub, http::Exchange& exchange) {
  if (exchange.request().method == "POST") return std::make_unique<PublishRequest>(hub, exchange);
  exchange.Respond(Refusal(exchange.request().method));
  return nullptr;
}

}  // namespace upgate::plugins::broadcast
