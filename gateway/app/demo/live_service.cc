#include "gateway/app/demo/live_service.h"

#include "gateway/app/demo/request.h"

namespace upgate::app {
namespace {

class LiveSocket final : public plugin::SocketHandler {
 public:
  explicit LiveSocket(plugin::Socket& socket) : socket_(socket) {
    const std::string head = DumpJson({{"request", RequestHead(socket.request())}});
    socket_.Send(plugin::MessageKind::kText, AsBytes(head));
  }
  void OnMessage(plugin::MessageKind kind, MutableBytes payload) override {
    socket_.Send(kind, payload);
  }

 private:
  plugin::Socket& socket_;
};

class LiveInstance final : public plugin::Instance {
 public:
  std::unique_ptr<plugin::SocketHandler> OnSocket(plugin::Socket& socket) override {
    return std::make_unique<LiveSocket>(socket);
  }
};

class Live final : public plugin::Service {
 public:
  bool serves_websocket() const override { return true; }
  std::unique_ptr<plugin::Instance> Start(plugin::Host&) const override {
    return std::make_unique<LiveInstance>();
  }
};

}  // namespace

std::unique_ptr<plugin::Service> MakeDemoLive(plugin::ServiceSetup setup) {
  plugin::RejectOptions(setup.options, "live");
  return std::make_unique<Live>();
}

}  // namespace upgate::app
