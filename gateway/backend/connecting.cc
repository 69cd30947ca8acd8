#include "gateway/backend/connecting.h"

#include <string>
#include <utility>
#include <variant>

#include "gateway/backend/address_race.h"
#include "gateway/base/match.h"
#include "gateway/base/proxy_header.h"

namespace upgate::backend {

std::string OwnGreeting(config::SendProxy version) {
  switch (version) {
    case config::SendProxy::kOff:
      break;
    case config::SendProxy::kV1:
      return EncodeProxyV1({});
    case config::SendProxy::kV2:
      return EncodeProxyV2({});
  }
  return {};
}

void Connecting::Start(const config::Server& server, std::shared_ptr<tls::ClientContext> tls,
                       const Within& within) {
  server_ = &server;
  tls_ = std::move(tls);
  key_ = within.key;
  timer_.Arm(within.time);
  securing_ = false;
  std::visit(Match{[&](const HostPort& where) {
                     if (!server.pinned.empty()) return OnResolved(server.pinned);
                     step_ = loop_.network.Resolve(where.host, *this);
                   },
                   [&](const UnixPath& where) { step_ = loop_.network.Connect(where, *this); }},
             server.address);
}

void Connecting::OnResolved(const std::vector<Ip>& addresses) {
  const std::uint16_t port = std::get<HostPort>(server_->address).port;
  io::ConnectHandler& handler = *this;
  if (addresses.size() == 1) {
    step_ = loop_.network.Connect(IpPort{addresses.front(), port}, handler);
  } else {
    step_ = std::make_unique<AddressRace>(loop_, addresses, port, handler);
  }
}

void Connecting::OnConnected(std::unique_ptr<io::ByteStream> stream) {
  if (!securing_) {
    const std::string greeting = owner_.Greeting();
    if (!greeting.empty()) stream->Write(AsBytes(greeting));
  }
  if (config::IsSecure(server_->scheme) && !securing_) {
    securing_ = true;
    const std::string& host = std::get<HostPort>(server_->address).host;
    step_ = tls_->Handshake(std::move(stream), host, loop_, scratch_, *this);
    return;
  }
  timer_.Disarm();
  owner_.OnServerConnected(std::move(stream));
}

void Connecting::OnTimer(io::Timer&) {
  Fail({Errc::kTimeout, "no connection within " + std::string(key_)});
}

void Connecting::Fail(const Error& error) {
  timer_.Disarm();
  // It may be the step itself that says so.
  const std::unique_ptr<io::Pending> failed = std::move(step_);
  owner_.OnServerFailed(error);
}

}  // namespace upgate::backend
