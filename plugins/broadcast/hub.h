#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/plugin/service.h"
#include "plugins/broadcast/options.h"
#include "plugins/broadcast/room.h"

namespace upgate::plugins::broadcast {

// The rooms of one route on one loop. Messages published in a turn are gathered and delivered from
// the end of the turn on: one write per subscriber and one task per other loop, however many
// messages there are. A turn does a bounded amount of work, room by room.
class Hub final : public plugin::Instance, private io::Later {
 public:
  // Maximum cost of gathered messages, unless a single one is larger.
  static constexpr std::size_t kMostGathered = 64 * 1024;
  // Work per turn, and per room before the next room is served, in bytes copied: some milliseconds.
  static constexpr std::size_t kWorkOfTurn = 4 * 1024 * 1024;
  static constexpr std::size_t kWorkOfRoom = 1024 * 1024;

  // Both must outlive the hub.
  Hub(plugin::Host& host, const Options& options);

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override;
  std::unique_ptr<plugin::SocketHandler> OnSocket(plugin::Socket& socket) override;

  const Options& options() const { return options_; }
  io::MemoryLedger& memory() { return host_.loop().memory; }
  std::size_t rooms() const { return rooms_.size(); }

  // Sends to everybody in the room except `but`, and to the same room on the other loops. May
  // dismiss any subscriber.
  void Publish(Room& room, plugin::Message message, PublisherId but);
  // The same for a publisher outside of the room.
  void Publish(std::string_view path, plugin::Message message);

  // Registers a publisher of a room with too much in transit. The publisher should stop until it is
  // called back, which does not happen inside the call; no effect if it is already waiting.
  void NotifyWhenWritable(Room& room, io::Later& publisher);
  // The same for a publisher outside of the room that does not wait.
  bool overfull(std::string_view path) const;

  // Called when a subscriber has left. An empty room is erased at the end of the turn.
  void OnSubscriberLeft(Room& room);

 private:
  // What one loop has published in a turn.
  struct Parcel {
    std::string path;
    plugin::Batch batch;
    io::SharedMemoryCharge charge;  // until the last loop has delivered it
  };
  using Shipment = std::vector<Parcel>;

  void OnLater() override { EndTurn(); }
  Room& RoomAt(std::string_view path);
  void List(Room& room);
  void EndTurn();
  // Queues gathered messages for delivery, and sends them to the other loops.
  void FlushBatches();
  void DeliverSome();
  // Returns false once the room has nothing left to deliver.
  bool DeliverSome(Room& room, std::size_t work);
  void Release(Room& room);
  void ForwardBatch(Shipment shipment);
  void Receive(std::size_t from, const Shipment& shipment);
  void Erase(Room& room);
  void Report(std::size_t to, const std::string& path, std::size_t cost);
  void ReportDelivered(std::size_t from, Room* room, const std::string& path, std::size_t cost);

  plugin::Host& host_;
  const Options& options_;
  // Clients choose the paths: a hash table could be attacked with collisions.
  std::map<std::string, Room, std::less<>> rooms_;
  std::vector<Room*> listed_;  // rooms with something to deliver or without subscribers
  std::size_t gathered_ = 0;   // cost of messages published and not sealed yet
  PublisherId last_id_ = 0;
};

}  // namespace upgate::plugins::broadcast
