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

// A client in its room, as subscriber and publisher. In the room from construction until the client
// closes or is dismissed; its later messages are dropped.
class Subscriber final : public plugin::SocketHandler, private io::Later {
 public:
  // All must outlive it, except the room, which must live until it has left.
  Subscriber(Hub& hub, Room& room, plugin::Socket& socket, PublisherId id);
  ~Subscriber() override;

  PublisherId id() const { return id_; }

  // Sends the messages, or queues them while the socket is full. Dismisses a client whose queue is
  // full.
  void Take(const plugin::Batch& batch);

  // For the room: the index there, and the number of the first batch that was not delivered yet.
  std::size_t place = 0;
  std::uint64_t next_batch = 0;

 private:
  void OnMessage(plugin::MessageKind kind, MutableBytes payload) override;
  void OnWritable() override;
  std::size_t held_bytes() const override { return backlog_ ? backlog_->cost() : 0; }
  void OnClose(std::uint16_t code) override;
  // The room can accept messages again.
  void OnLater() override;

  void Leave();
  void Close(std::uint16_t code, std::string_view reason);

  Hub& hub_;
  Room* room_;  // nullptr once it has left
  plugin::Socket& socket_;
  const PublisherId id_;
  std::unique_ptr<Backlog> backlog_;  // never empty; while it exists, all messages go through it
};

}  // namespace upgate::plugins::broadcast
