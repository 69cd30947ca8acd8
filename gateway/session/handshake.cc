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
    gateway_.shared_.counts.Remove(admission_.route->index);
}

void Gateway::Handshake::OnOpened(std::unique_ptr<io::ByteStream> stream,
                                  const config::Server& server) {
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
  gateway_.Count(*admission_.route, error.timed_out ? HandshakeOutcome::kBackendTimeout
                                                    : HandshakeOutcome::kBackendFailed);
  GiveBackPlace();
  gateway_.shared_.log.Warn("backend failed", {{"route", admission_.route->path.written},
                                               {"backend", *admission_.route->backend},
                                               {"client", admission_.client},
                                               {"why", error.message}});
  exchange_.Respond(
      error.timed_out ? http::TextResponse(504, "the server behind this route does not answer")
                      : http::TextResponse(502, "the server behind this route cannot be reached"));
}

}  // namespace upgate::session
