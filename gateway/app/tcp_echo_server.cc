#include "gateway/app/tcp_echo_server.h"

#include <array>
#include <utility>

namespace upgate::app {

class TcpEchoServer::Connection final : public io::Deletable, private io::StreamHandler {
 public:
  Connection(TcpEchoServer& server, std::unique_ptr<io::ByteStream> stream)
      : server_(server), stream_(std::move(stream)) {
    stream_->SetHandler(this);
    stream_->SetReading(true);
  }

 private:
  void OnBytes(MutableBytes data) override {
    stream_->Write(data);
    if (stream_->congested()) stream_->SetReading(false);
  }
  void OnWritable() override { stream_->SetReading(true); }
  void OnEnd() override { stream_->Shutdown(); }
  void OnFlushed() override { server_.OnDone(*this); }
  void OnError(const Error&) override { server_.OnDone(*this); }

  TcpEchoServer& server_;
  std::unique_ptr<io::ByteStream> stream_;
};

TcpEchoServer::TcpEchoServer(io::Loop loop) : loop_(loop) {}

TcpEchoServer::~TcpEchoServer() = default;

Result<SocketAddress> TcpEchoServer::Listen() {
  auto listener = loop_.network.Listen(IpPort{*Ip::Parse("127.0.0.1"), 0}, {}, *this);
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::move(*listener);
  return listener_->address();
}

void TcpEchoServer::OnAccept(std::unique_ptr<io::ByteStream> stream) {
  auto connection = std::make_unique<Connection>(*this, std::move(stream));
  Connection* key = connection.get();
  connections_.emplace(key, std::move(connection));
}

void TcpEchoServer::OnDone(Connection& connection) {
  auto node = connections_.extract(&connection);
  if (!node.empty()) loop_.turn.DeferDelete(std::move(node.mapped()));
}

}  // namespace upgate::app
