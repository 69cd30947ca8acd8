#include "plugins/broadcast/room.h"

#include "plugins/broadcast/subscriber.h"

namespace upgate::plugins::broadcast {

void Room::Add(Subscriber& subscriber) {
  subscriber.place = subscribers_.size();
  subscribers_.push_back(&subscriber);
}

void Room::Remove(Subscriber& subscriber) {
  Subscriber* last = subscribers_.back();
  subscribers_[subscriber.place] = last;
  last->place = subscriber.place;
  subscribers_.pop_back();
}

void Room::Publish(plugin::Message message, PublisherId but) {
  published_.push_back(std::move(message));
  publishers_.push_back(but);
}

// From the last to the first: one that leaves in the middle of it is replaced by one that has been
// served already. Nobody joins meanwhile, as nothing calls back from inside Send or Close.
std::vector<plugin::Message> Room::DeliverPublished() {
  for (std::size_t i = subscribers_.size(); i-- > 0;) {
    Subscriber& subscriber = *subscribers_[i];
    if (std::exchange(subscriber.has_published, false)) {
      subscriber.Take(PublishedByOthers(subscriber.id()));
    } else {
      subscriber.Take(published_);
    }
  }
  publishers_ = {};
  return std::exchange(published_, {});
}

std::vector<plugin::Message> Room::PublishedByOthers(PublisherId than) const {
  std::vector<plugin::Message> others;
  for (std::size_t i = 0; i < published_.size(); ++i) {
    if (publishers_[i] != than) others.push_back(published_[i]);
  }
  return others;
}

void Room::Deliver(std::span<const plugin::Message> messages) {
  for (std::size_t i = subscribers_.size(); i-- > 0;) subscribers_[i]->Take(messages);
}

}  // namespace upgate::plugins::broadcast
