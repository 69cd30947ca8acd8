#include "gateway/upgrade/handshake.h"

#include <utility>

#include "gateway/upgrade/greeting.h"

namespace upgate::upgrade {

using stats::HandshakeOutcome;

Gateway::Handshake::Handshake(Gateway& gateway, http::Exchange& exchange, LoopBackend& backend,
                              Admission admission)
    : gateway_(gateway),
      exchange_(exchange),
      admission_(std::move(admission)),
      route_(ContextOf(admission_.slot)),
      backend_(&backend),
      opening_(backend_->pool().Open(*this)) {}

Gateway::Handshake::~Handshake() {
  if (opening_) route_.Count(HandshakeOutcome::kClientGone);  // else the outcome is counted
}

void Gateway::Handshake::OnOpened(std::unique_ptr<io::ByteStream> stream,
                                  const backend::Server& server, io::Instant) {
  opening_.reset();
  gateway_.EstablishBytes(exchange_, admission_, std::move(stream), server);
}

void Gateway::Handshake::OnOpenFailed(const backend::OpenError& error) {
  opening_.reset();
  route_.Count(backend::OutcomeOf(error));
  exchange_.Respond(gateway_.OnBackendFailed(route_, admission_.client, error));
}

std::string Gateway::Handshake::Greeting() {
  const config::SendProxy version = backend_->record().config->send_proxy;
  return MakeGreeting(version, exchange_, admission_.client, gateway_.context_.loop.entropy);
}

}  // namespace upgate::upgrade
