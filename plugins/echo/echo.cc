#include "plugins/echo/echo.h"

namespace upgate::plugins {
namespace {

class EchoSocket final : public plugin::SocketHandler {
 public:
  explicit EchoSocket(plugin::Socket& socket) : socket_(socket) {}
  void OnMessage(plugin::MessageKind kind, MutableBytes payload) override { socket_.Send(kind, payload); }

 private:
  plugin::Socket& socket_;
};

class Echo final : public plugin::Service {
 public:
  bool serves_websocket() const override { return true; }
  std::unique_ptr<plugin::SocketHandler> OnSocket(plugin::Socket& socket) override {
    return std::make_unique<EchoSocket>(socket);
  }
};

}  // namespace

std::unique_ptr<plugin::Service> MakeEcho(const config::Value& options, plugin::Host&,
                                          std::vector<config::ConfigError>& errors) {
  plugin::RejectOptions(options, "echo", errors);
  return std::make_unique<Echo>();
}

}  // namespace upgate::plugins
