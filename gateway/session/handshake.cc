#include "gateway/session/handshake.h"

#include <utility>

namespace upgate::session {

using stats::HandshakeOutcome;

Gateway::Handshake::Handshake(Gateway& gateway, http::Exchange& exchange, Admission admission,
                              backend::Pool& pool)
    : gateway_(gateway),
      exchange_(exchange),
      admission_(std::move(admission)),
      opening_(pool.Open(*this)) {}

Gateway::Handshake::~Handshake() {
  if (!opening_) return;  // settled
  gateway_.Count(*admission_.route, HandshakeOutcome::kClientGone);
  GiveBackPlace();
}

void Gateway::Handshake::GiveBackPlace() {
  if (admission_.route->limits.sessions != 0)
    gateway_.shared_.counts.sessions[admission_.route->index].GiveBack(1);
}

void Gateway::Handshake::OnOpened(std::unique_ptr<io::ByteStream> stream,
                                  const config::Server& server, io::Instant) {
  opening_.reset();
  if (gateway_.draining_) {
    gateway_.Count(*admission_.route, HandshakeOutcome::kShuttingDown);
    GiveBackPlace();
    exchange_.Respond(http::TextResponse(503, "the gateway is shutting down"));
    return;
  }
  gateway_.EstablishBytes(exchange_, admission_, std::move(stream), server);
}

void Gateway::Handshake::OnOpenFailed(const backend::OpenError& error) {
  opening_.reset();
  gateway_.Count(*admission_.route, backend::OutcomeOf(error));
  GiveBackPlace();
  exchange_.Respond(gateway_.OnBackendFailed(*admission_.route, admission_.client, error));
}

}  // namespace upgate::session
