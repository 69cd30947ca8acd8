#include "gateway/plugin/dialer.h"

#include <utility>

namespace upgate::plugin {

Dialer::Dialer(io::Loop loop, tls::Scratch& scratch, Place place, tls::ClientContext* context,
               io::ConnectHandler& handler)
    : loop_(loop),
      scratch_(scratch),
      place_(std::move(place)),
      context_(context),
      handler_(handler) {
  if (const auto* path = std::get_if<UnixPath>(&place_)) {
    step_ = loop_.network.Connect(*path, *this);
  } else {
    step_ = loop_.network.Resolve(std::get<HostPort>(place_).host, *this);
  }
}

void Dialer::OnResolved(const std::vector<Ip>& addresses) {
  addresses_ = addresses;
  TryNext();
}

void Dialer::TryNext() {
  const std::uint16_t port = std::get<HostPort>(place_).port;
  step_ = loop_.network.Connect(IpPort{addresses_[next_++], port}, *this);
}

void Dialer::OnConnected(std::unique_ptr<io::ByteStream> stream) {
  if (context_ == nullptr || securing_) return handler_.OnConnected(std::move(stream));
  securing_ = true;
  const auto* where = std::get_if<HostPort>(&place_);
  step_ = context_->Handshake(std::move(stream), where != nullptr ? where->host : "localhost",
                              loop_, scratch_, *this);
}

void Dialer::OnConnectFailed(const Error& error) {
  if (!securing_ && next_ < addresses_.size()) return TryNext();
  handler_.OnConnectFailed(error);
}

}  // namespace upgate::plugin
