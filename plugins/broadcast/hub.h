#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/plugin/service.h"
#include "plugins/broadcast/lanes.h"
#include "plugins/broadcast/options.h"
#include "plugins/broadcast/room.h"

namespace upgate::plugins::broadcast {

// The rooms of one route on one loop. What is published in a turn is gathered and delivered at the
// end of it: one write for each subscriber and one task for each other loop, however many messages
// there are.
class Hub final : public plugin::Instance, private io::Later {
 public:
  // Gathered at most, in cost, before it is delivered in the middle of a turn.
  static constexpr std::size_t kMostGathered = 64 * 1024;

  // Both outlive the hub.
  Hub(plugin::Host& host, const Options& options);

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override;
  std::unique_ptr<plugin::SocketHandler> OnSocket(plugin::Socket& socket) override;

  const Options& options() const { return options_; }
  std::size_t rooms() const { return rooms_.size(); }

  // To everybody in the room but one, and to the same room on the other loops. May dismiss any
  // subscriber.
  void Publish(Room& room, plugin::Message message, PublisherId but);
  // The same from outside of the room.
  void Publish(std::string_view path, plugin::Message message);

  // Too much is on its way to the other loops. Publishers should stop until CallWhenClear calls
  // back, which is not inside the call; nothing when the publisher waits already.
  bool full() const { return lanes_.full(); }
  void CallWhenClear(io::Later& publisher);

  // A subscriber has left. The room goes at the end of the turn if nobody else is in there.
  void OnLeft(Room& room);

 private:
  // What one loop has published in a turn, room by room.
  struct Parcel {
    std::string path;
    std::vector<plugin::Message> messages;
  };
  struct Shipment {
    std::vector<Parcel> parcels;
    std::size_t cost = 0;
  };

  void OnLater() override { EndTurn(); }
  Room& RoomAt(std::string_view path);
  void List(Room& room);
  void EndTurn();
  void DeliverPublished(Room& room, Shipment& shipment);
  void Ship(Shipment shipment);
  void Receive(std::size_t from, const Shipment& shipment);
  void OnReport(std::size_t from, std::size_t cost);

  plugin::Host& host_;
  const Options& options_;
  // Clients choose the paths, so no hash table that they could fill badly.
  std::map<std::string, Room, std::less<>> rooms_;
  std::vector<Room*> listed_;  // to be looked at when the turn ends
  std::size_t gathered_ = 0;   // cost of what is published and not delivered
  PublisherId last_id_ = 0;
  Lanes lanes_;
  io::LaterList held_;  // publishers that wait for the other loops
};

}  // namespace upgate::plugins::broadcast
