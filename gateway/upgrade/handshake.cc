#include "gateway/upgrade/handshake.h"

#include <utility>

#include "gateway/upgrade/greeting.h"

namespace upgate::upgrade {

using stats::HandshakeOutcome;

Gateway::Handshake::Handshake(Gateway& gateway, http::Exchange& exchange, Ref<LoopBackend> backend,
                              Admission admission, backend::Wish wish)
    : gateway_(gateway),
      exchange_(exchange),
      admission_(std::move(admission)),
      route_(ContextOf(admission_.slot)),
      backend_(std::move(backend)),
      search_{.wish = wish, .for_session = true, .tried = {}},
      opening_(backend_->pool().Open(*this, search_)) {}

Gateway::Handshake::~Handshake() {
  if (opening_) route_.Count(HandshakeOutcome::kClientGone);  // else the outcome is counted
}

void Gateway::Handshake::OnOpened(backend::Opened opened) {
  opening_.reset();
  gateway_.EstablishBytes(exchange_, admission_, std::move(opened), search_.wish);
}

void Gateway::Handshake::OnOpenFailed(const backend::OpenError& error) {
  opening_.reset();
  route_.Count(backend::OutcomeOf(error));
  exchange_.Respond(gateway_.OnBackendFailed(route_, admission_.client, admission_.asked, error));
}

std::string Gateway::Handshake::Greeting() {
  const config::SendProxy version = backend_->record().config->send_proxy;
  const auto& identity = admission_.identity;
  GreetingToServer greeting =
      MakeGreeting(version, exchange_, admission_.client, identity ? identity->user : "",
                   gateway_.context_.loop.entropy);
  admission_.proxy_id = std::move(greeting.unique_id);
  return std::move(greeting.header);
}

}  // namespace upgate::upgrade
