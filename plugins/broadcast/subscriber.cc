#include "plugins/broadcast/subscriber.h"

#include <utility>

#include "plugins/broadcast/hub.h"

namespace upgate::plugins::broadcast {
namespace {

// RFC 6455, section 7.4.1, and the IANA registry of close codes.
constexpr std::uint16_t kPolicyViolation = 1008;
constexpr std::uint16_t kTryAgainLater = 1013;

}  // namespace

Subscriber::Subscriber(Hub& hub, Room& room, plugin::Socket& socket, PublisherId id)
    : hub_(hub), room_(&room), socket_(socket), id_(id) {
  room.Add(*this);
}

Subscriber::~Subscriber() {
  Leave();
}

void Subscriber::Take(const plugin::Batch& batch) {
  if (!backlog_ && !socket_.congested()) return socket_.SendBatch(batch);
  if (!backlog_) backlog_ = std::make_unique<Backlog>(hub_.memory());
  if (!backlog_->Add(batch, hub_.options().queue)) Close(kTryAgainLater, "too slow");
}

void Subscriber::OnWritable() {
  while (backlog_ && !socket_.congested()) {
    socket_.SendBatch(backlog_->Take());
    if (backlog_->empty()) backlog_.reset();
  }
}

void Subscriber::OnMessage(plugin::MessageKind kind, MutableBytes payload) {
  if (room_ == nullptr) return;
  if (!hub_.options().clients_publish)
    return Close(kPolicyViolation, "clients cannot publish here");
  hub_.Publish(*room_, plugin::Message(kind, payload), hub_.options().to_sender ? 0 : id_);
  if (!room_->full()) return;
  socket_.SetReading(false);
  hub_.NotifyWhenWritable(*room_, *this);
}

void Subscriber::OnLater() {
  socket_.SetReading(true);
}

void Subscriber::OnClose(std::uint16_t) {
  Leave();
}

void Subscriber::Leave() {
  if (room_ == nullptr) return;
  backlog_.reset();
  Room& room = *std::exchange(room_, nullptr);
  room.Remove(*this);
  hub_.OnSubscriberLeft(room);
}

void Subscriber::Close(std::uint16_t code, std::string_view reason) {
  Leave();
  socket_.Close(code, reason);
  // Keep reading to receive the client's Close.
  if (!waiting()) return;
  Cancel();
  socket_.SetReading(true);
}

}  // namespace upgate::plugins::broadcast
