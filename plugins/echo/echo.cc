#include "plugins/echo/echo.h"

namespace upgate::plugins {
namespace {

class EchoSocket final : public plugin::SocketHandler {
 public:
  explicit EchoSocket(plugin::Socket& socket) : socket_(socket) {}
  void OnMessage(plugin::MessageKind kind, MutableBytes payload) override {
    socket_.Send(kind, payload);
  }

 private:
  plugin::Socket& socket_;
};

class EchoInstance final : public plugin::Instance {
 public:
  std::unique_ptr<plugin::SocketHandler> OnSocket(plugin::Socket& socket) override {
    return std::make_unique<EchoSocket>(socket);
  }
};

class Echo final : public plugin::Service {
 public:
  bool serves_websocket() const override { return true; }
  std::unique_ptr<plugin::Instance> Start(plugin::Host&) const override {
    return std::make_unique<EchoInstance>();
  }
};

}  // namespace

std::unique_ptr<plugin::Service> MakeEcho(plugin::ServiceSetup setup) {
  plugin::RejectOptions(setup.options, "echo");
  return std::make_unique<Echo>();
}

}  // namespace upgate::plugins
