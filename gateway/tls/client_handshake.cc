#include "gateway/tls/client_handshake.h"

#include <utility>

namespace upgate::tls {

ClientHandshake::ClientHandshake(std::unique_ptr<Stream> stream, io::Loop loop,
                                 io::ConnectHandler& handler)
    : turn_(loop.turn), handler_(handler), stream_(std::move(stream)) {
  stream_->SetHandler(this);
  stream_->Start(*this);
}

ClientHandshake::ClientHandshake(Error error, io::Loop loop, io::ConnectHandler& handler)
    : turn_(loop.turn), handler_(handler), error_(std::move(error)) {
  turn_.RunLater(*this);
}

// Also after OnEstablished: the handler has not got the stream yet, and it is no longer usable.
void ClientHandshake::OnError(const Error& error) {
  error_ = error;
  turn_.RunLater(*this);
}

// The handler may destroy this object: no member is accessed after the call.
void ClientHandshake::OnLater() {
  if (error_) {
    const Error error = *std::exchange(error_, std::nullopt);
    stream_.reset();
    return handler_.OnConnectFailed(error);
  }
  stream_->SetHandler(nullptr);
  handler_.OnConnected(std::move(stream_));
}

}  // namespace upgate::tls
