#include "plugins/broadcast/hub.h"

#include <utility>

#include "plugins/broadcast/publish_request.h"
#include "plugins/broadcast/subscriber.h"

namespace upgate::plugins::broadcast {

Hub::Hub(plugin::Host& host, const Options& options)
    : host_(host), options_(options), lanes_(host.loops()) {}

std::unique_ptr<http::ExchangeHandler> Hub::OnRequest(http::Exchange& exchange) {
  return AnswerRequest(*this, exchange);
}

std::unique_ptr<plugin::SocketHandler> Hub::OnSocket(plugin::Socket& socket) {
  // Who comes gets what is published from now on.
  if (gathered_ > 0) EndTurn();
  return std::make_unique<Subscriber>(*this, RoomAt(socket.request().target.path), socket,
                                      ++last_id_);
}

Room& Hub::RoomAt(std::string_view path) {
  const auto found = rooms_.find(path);
  if (found != rooms_.end()) return found->second;
  return rooms_.try_emplace(std::string(path), std::string(path)).first->second;
}

void Hub::Publish(Room& room, plugin::Message message, PublisherId but) {
  gathered_ += Cost(message);
  room.Publish(std::move(message), but);
  List(room);
  if (gathered_ > kMostGathered) EndTurn();
}

void Hub::Publish(std::string_view path, plugin::Message message) {
  Publish(RoomAt(path), std::move(message), 0);
}

void Hub::OnLeft(Room& room) {
  if (room.empty()) List(room);
}

void Hub::List(Room& room) {
  if (!std::exchange(room.listed, true)) listed_.push_back(&room);
  host_.loop().turn.RunLater(*this);
}

void Hub::EndTurn() {
  Cancel();
  gathered_ = 0;
  Shipment shipment;
  // A room whose last subscriber is dismissed meanwhile is on the list already.
  for (Room* room : listed_) DeliverPublished(*room, shipment);
  for (Room* room : std::exchange(listed_, {})) {
    room->listed = false;
    if (room->empty()) rooms_.erase(rooms_.find(room->path()));
  }
  if (!shipment.parcels.empty()) Ship(std::move(shipment));
}

void Hub::DeliverPublished(Room& room, Shipment& shipment) {
  if (!room.has_published()) return;
  std::vector<plugin::Message> messages = room.DeliverPublished();
  if (host_.loops() == 1) return;
  for (const plugin::Message& message : messages) shipment.cost += Cost(message);
  shipment.parcels.emplace_back(room.path(), std::move(messages));
}

void Hub::Ship(Shipment shipment) {
  const std::size_t here = host_.loop_index();
  const auto shared = std::make_shared<const Shipment>(std::move(shipment));
  for (std::size_t loop = 0; loop < host_.loops(); ++loop) {
    if (loop == here) continue;
    lanes_.Post(loop, shared->cost);
    host_.Post(loop, [shared, here](plugin::Instance& there) {
      static_cast<Hub&>(there).Receive(here, *shared);
    });
  }
}

void Hub::Receive(std::size_t from, const Shipment& shipment) {
  for (const Parcel& parcel : shipment.parcels) {
    const auto room = rooms_.find(parcel.path);
    if (room != rooms_.end()) room->second.Deliver(parcel.messages);
  }
  const std::size_t report = lanes_.Deliver(from, shipment.cost);
  if (report == 0) return;
  host_.Post(from, [here = host_.loop_index(), report](plugin::Instance& there) {
    static_cast<Hub&>(there).OnReport(here, report);
  });
}

void Hub::OnReport(std::size_t from, std::size_t cost) {
  if (lanes_.Report(from, cost)) held_.RunAll();
}

void Hub::CallWhenClear(io::Later& publisher) {
  if (!publisher.waiting()) held_.Append(publisher);
}

}  // namespace upgate::plugins::broadcast
