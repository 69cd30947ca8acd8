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

// The rooms of one route on one loop. What is published in a turn is gathered and delivered from
// the end of it on: one write for each subscriber and one task for each other loop, however many
// messages there are. A turn does a bounded amount of it, for one room after the other.
class Hub final : public plugin::Instance, private io::Later {
 public:
  // Gathered at most, in cost, unless a single message is larger.
  static constexpr std::size_t kMostGathered = 64 * 1024;
  // What a turn delivers, and what of it is for one room before the next has its part. In bytes
  // that are copied; some milliseconds.
  static constexpr std::size_t kWorkOfTurn = 4 * 1024 * 1024;
  static constexpr std::size_t kWorkOfRoom = 1024 * 1024;

  // Both outlive the hub.
  Hub(plugin::Host& host, const Options& options);

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override;
  std::unique_ptr<plugin::SocketHandler> OnSocket(plugin::Socket& socket) override;

  const Options& options() const { return options_; }
  io::MemoryLedger& memory() { return host_.loop().memory; }
  std::size_t rooms() const { return rooms_.size(); }

  // To everybody in the room but one, and to the same room on the other loops. May dismiss any
  // subscriber.
  void Publish(Room& room, plugin::Message message, PublisherId but);
  // The same from outside of the room.
  void Publish(std::string_view path, plugin::Message message);

  // Too much is on its way from this room. Its publishers should stop until CallWhenClear calls
  // back, which is not inside the call; nothing when the publisher waits already.
  void CallWhenClear(Room& room, io::Later& publisher);
  // The same for who publishes from outside of the room, and does not wait.
  bool overfull(std::string_view path) const;

  // A subscriber has left. The room goes at the end of the turn if nobody else is in there.
  void OnLeft(Room& room);

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
  // Puts in line what was gathered, and sends it to the other loops.
  void SealAll();
  void DeliverSome();
  // False when the room is done, and gone if nobody is in there.
  bool DeliverSome(Room& room, std::size_t work);
  void Release(Room& room);
  void Ship(Shipment shipment);
  void Receive(std::size_t from, const Shipment& shipment);
  void Erase(Room& room);
  void Report(std::size_t to, const std::string& path, std::size_t cost);
  void ReportDelivered(std::size_t from, Room* room, const std::string& path, std::size_t cost);

  plugin::Host& host_;
  const Options& options_;
  // Clients choose the paths, so no hash table that they could fill badly.
  std::map<std::string, Room, std::less<>> rooms_;
  std::vector<Room*> listed_;  // with something to deliver, or nobody in there
  std::size_t gathered_ = 0;   // cost of what is published and not in line
  PublisherId last_id_ = 0;
};

}  // namespace upgate::plugins::broadcast
