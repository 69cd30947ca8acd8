#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "gateway/plugin/service.h"
#include "plugins/broadcast/backlog.h"
#include "plugins/broadcast/room.h"

namespace upgate::plugins::broadcast {

class Hub;

// One client in its room, as subscriber and as publisher. It is in the room from the beginning
// until the client closes or is dismissed; what still comes from it after that is dropped.
class Subscriber final : public plugin::SocketHandler, private io::Later {
 public:
  // All outlive it, the room only as long as it is in there.
  Subscriber(Hub& hub, Room& room, plugin::Socket& socket, PublisherId id);
  ~Subscriber() override;

  PublisherId id() const { return id_; }

  // Sends the messages, or keeps them while the socket is full. Dismisses the client that has let
  // too many come together.
  void Take(const plugin::Batch& batch);

  // For the room: where it stands there, and the number of the first batch that it has not got.
  std::size_t place = 0;
  std::uint64_t next_batch = 0;

 private:
  void OnMessage(plugin::MessageKind kind, MutableBytes payload) override;
  void OnDrained() override;
  std::size_t held_bytes() const override { return backlog_ ? backlog_->cost() : 0; }
  void OnClose(std::uint16_t code) override;
  // The room has room again.
  void OnLater() override;

  void Leave();
  void Dismiss(std::uint16_t code, std::string_view reason);

  Hub& hub_;
  Room* room_;  // nullptr: it has left
  plugin::Socket& socket_;
  const PublisherId id_;
  std::unique_ptr<Backlog> backlog_;  // never empty; while it is there, everything goes through it
};

}  // namespace upgate::plugins::broadcast
