#include "plugins/broadcast/hub.h"

#include <algorithm>
#include <utility>

#include "plugins/broadcast/publish_request.h"
#include "plugins/broadcast/subscriber.h"

namespace upgate::plugins::broadcast {

Hub::Hub(plugin::Host& host, const Options& options) : host_(host), options_(options) {}

std::unique_ptr<http::ExchangeHandler> Hub::OnRequest(http::Exchange& exchange) {
  return AnswerRequest(*this, exchange);
}

std::unique_ptr<plugin::SocketHandler> Hub::OnSocket(plugin::Socket& socket) {
  // A new subscriber gets what is published from now on.
  if (gathered_ > 0) FlushBatches();
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
  if (gathered_ > kMostGathered) FlushBatches();
}

void Hub::Publish(std::string_view path, plugin::Message message) {
  Publish(RoomAt(path), std::move(message), 0);
}

void Hub::OnSubscriberLeft(Room& room) {
  if (room.empty()) List(room);
}

void Hub::List(Room& room) {
  if (!std::exchange(room.listed, true)) listed_.push_back(&room);
  host_.loop().turn.RunLater(*this);
}

void Hub::EndTurn() {
  FlushBatches();
  DeliverSome();
}

void Hub::FlushBatches() {
  gathered_ = 0;
  Shipment shipment;
  for (Room* const room : listed_) {
    auto batch = room->Seal();
    if (batch && host_.loops() > 1) {
      const std::size_t cost = Cost(*batch);
      shipment.push_back({room->path(), std::move(*batch), memory().Share(cost)});
    }
  }
  if (!shipment.empty()) ForwardBatch(std::move(shipment));
}

// Rooms that are not finished, or were not served in this turn, are queued for the next.
void Hub::DeliverSome() {
  std::vector<Room*> rooms = std::exchange(listed_, {});
  std::vector<Room*> again;
  std::size_t left = kWorkOfTurn;
  std::size_t served = 0;
  for (; served < rooms.size() && left > 0; ++served) {
    Room& room = *rooms[served];
    const std::size_t part = std::min(left, kWorkOfRoom);
    left -= part;
    if (DeliverSome(room, part)) {
      again.push_back(&room);
    } else if (room.empty()) {
      Erase(room);
    } else {
      room.listed = false;
    }
  }
  // Rooms listed meanwhile go behind these.
  std::vector<Room*> next(rooms.begin() + static_cast<std::ptrdiff_t>(served), rooms.end());
  next.insert(next.end(), again.begin(), again.end());
  next.insert(next.end(), listed_.begin(), listed_.end());
  listed_ = std::move(next);
  if (!listed_.empty()) host_.loop().turn.RunLater(*this);
}

bool Hub::DeliverSome(Room& room, std::size_t work) {
  for (std::size_t done = 0; room.delivering() && done < work;) {
    const Room::Progress progress = room.Deliver(work - done);
    done += progress.work;
    if (progress.from_loop) {
      ReportDelivered(*progress.from_loop, &room, room.path(), progress.cost);
    }
  }
  Release(room);
  return room.delivering();
}

void Hub::Release(Room& room) {
  if (!room.full()) room.held.RunAll();
}

void Hub::ForwardBatch(Shipment shipment) {
  const std::size_t here = host_.loop_index();
  const auto shared = std::make_shared<const Shipment>(std::move(shipment));
  for (std::size_t loop = 0; loop < host_.loops(); ++loop) {
    if (loop == here) continue;
    for (const Parcel& parcel : *shared) {
      RoomAt(parcel.path).lanes(host_.loops()).Post(loop, Cost(parcel.batch));
    }
    host_.Post(loop, [shared, here](plugin::Instance& there) {
      static_cast<Hub&>(there).Receive(here, *shared);
    });
  }
}

void Hub::Receive(std::size_t from, const Shipment& shipment) {
  for (const Parcel& parcel : shipment) {
    const auto found = rooms_.find(parcel.path);
    if (found == rooms_.end()) {
      ReportDelivered(from, nullptr, parcel.path, Cost(parcel.batch));
    } else {
      found->second.Enqueue(parcel.batch, from);
      List(found->second);
    }
  }
}

// `room`: the room on this loop, if it still exists; it accumulates small amounts before it reports
// them.
void Hub::ReportDelivered(std::size_t from, Room* room, const std::string& path, std::size_t cost) {
  const std::size_t report =
      room != nullptr ? room->lanes(host_.loops()).Deliver(from, cost) : cost;
  if (report > 0) Report(from, path, report);
}

void Hub::Erase(Room& room) {
  for (std::size_t loop = 0; host_.loops() > 1 && loop < host_.loops(); ++loop) {
    const std::size_t unreported = room.lanes(host_.loops()).TakeUnreported(loop);
    if (unreported > 0) Report(loop, room.path(), unreported);
  }
  rooms_.erase(rooms_.find(room.path()));
}

void Hub::Report(std::size_t to, const std::string& path, std::size_t cost) {
  host_.Post(to, [here = host_.loop_index(), path, cost](plugin::Instance& there) {
    Hub& hub = static_cast<Hub&>(there);
    const auto found = hub.rooms_.find(path);
    if (found == hub.rooms_.end()) return;
    found->second.lanes(hub.host_.loops()).Report(here, cost);
    hub.Release(found->second);
  });
}

void Hub::NotifyWhenWritable(Room& room, io::Later& publisher) {
  if (!publisher.waiting()) room.held.Append(publisher);
}

bool Hub::overfull(std::string_view path) const {
  const auto found = rooms_.find(path);
  return found != rooms_.end() && found->second.overfull();
}

}  // namespace upgate::plugins::broadcast
