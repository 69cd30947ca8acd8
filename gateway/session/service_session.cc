#include "gateway/session/service_session.h"

#include <utility>

namespace upgate::session {
namespace {

ws::Opcode OpcodeOf(plugin::MessageKind kind) {
  return kind == plugin::MessageKind::kText ? ws::Opcode::kText : ws::Opcode::kBinary;
}

}  // namespace

ServiceSession::ServiceSession(Context& context, Facts facts,
                               std::unique_ptr<io::ByteStream> client,
                               std::unique_ptr<Compression> compression,
                               const http::Request& request, plugin::Instance& service,
                               stats::RouteStats& stats, Session::Owner& owner)
    : Session(std::move(facts), context.loop.memory, owner),
      request_(request),
      address_(client->peer_address()),
      service_(service),
      endpoint_(ws::Role::kServer, context, std::move(client), std::move(compression),
                this->facts().route->limits, stats, *this),
      charge_(context.loop.memory) {}

void ServiceSession::Start(std::string early) {
  handler_ = service_.OnSocket(*this);
  endpoint_.Start();
  endpoint_.ReadEarly(std::move(early));
}

void ServiceSession::End(std::uint16_t code, std::string_view reason) {
  endpoint_.Close(code, reason, Closer::kGateway, reason);
}

void ServiceSession::Abort() {
  endpoint_.Abort("aborted by the shutdown");
}

std::size_t ServiceSession::held_bytes() const {
  return endpoint_.held_bytes() + charge_.bytes() + (handler_ ? handler_->held_bytes() : 0);
}

void ServiceSession::HoldBack(bool wait) {
  endpoint_.HoldBack(wait);
}

void ServiceSession::DropInput() {
  deaf_ = true;
  assembler_ = {};
  charge_.Set(0);
}

void ServiceSession::Close(std::uint16_t code, std::string_view reason) {
  endpoint_.Close(code, reason, Closer::kServer, reason.empty() ? "closed by the service" : reason);
}

void ServiceSession::OnPart(const ws::FramePart& part) {
  if (deaf_) return;
  auto message = assembler_.Add(part);
  charge_.Set(assembler_.held_bytes());
  if (!message) return;
  const auto kind = message->opcode == ws::Opcode::kText ? plugin::MessageKind::kText
                                                         : plugin::MessageKind::kBinary;
  handler_->OnMessage(kind, message->payload);
  if (endpoint_.congested()) endpoint_.PauseReading(PauseReason::kAnswersFull);
}

void ServiceSession::Send(plugin::MessageKind kind, Bytes payload) {
  endpoint_.Send(OpcodeOf(kind), payload);
}

void ServiceSession::Send(const plugin::Message& message) {
  endpoint_.SendAll(std::span(&message, 1));
}

void ServiceSession::SendAll(std::span<const plugin::Message> messages) {
  endpoint_.SendAll(messages);
}

void ServiceSession::SendBatch(const plugin::Batch& batch) {
  endpoint_.SendBatch(batch);
}

void ServiceSession::SetReading(bool on) {
  if (on) {
    endpoint_.ResumeReading(PauseReason::kService);
  } else {
    endpoint_.PauseReading(PauseReason::kService);
  }
}

void ServiceSession::OnPeerDrained() {
  endpoint_.ResumeReading(PauseReason::kAnswersFull);
  handler_->OnWritable();
}

void ServiceSession::OnPeerClosing(PeerEnd end, std::string_view) {
  handler_->OnClose(endpoint_.ending().code);
  if (end == PeerEnd::kClosed)
    endpoint_.Close(endpoint_.peer_code(), "", Closer::kClient, "closed by the client");
}

void ServiceSession::OnPeerDone() {
  owner_.OnSessionDone(*this);
}

}  // namespace upgate::session
