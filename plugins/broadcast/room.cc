#include "plugins/broadcast/room.h"

#include <algorithm>

#include "plugins/broadcast/options.h"
#include "plugins/broadcast/subscriber.h"

namespace upgate::plugins::broadcast {
namespace {

// The cost of a write to one socket in addition to its bytes, in bytes copied.
constexpr std::size_t kWriteWork = 8 * 1024;

// Limit for messages queued in a room for its own subscribers before requests from outside are
// refused.
constexpr std::size_t kMostWaiting = 4 * 1024 * 1024;

// The batch without the messages of one publisher; nullopt if all are its own.
std::optional<plugin::Batch> Without(const plugin::Batch& batch,
                                     const std::vector<PublisherId>& publishers, PublisherId id) {
  std::vector<plugin::Message> others;
  for (std::size_t i = 0; i < publishers.size(); ++i) {
    if (publishers[i] != id) others.push_back(batch.messages()[i]);
  }
  if (others.empty()) return std::nullopt;
  return plugin::Batch(std::move(others));
}

}  // namespace

void Room::Add(Subscriber& subscriber) {
  subscriber.place = subscribers_.size();
  subscriber.next_batch = next_number_;
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
  leaves_out_ = leaves_out_ || but != 0;
}

std::optional<plugin::Batch> Room::Seal() {
  if (published_.empty()) return std::nullopt;
  plugin::Batch batch(std::exchange(published_, {}));
  auto publishers = std::exchange(publishers_, {});
  if (!std::exchange(leaves_out_, false)) publishers.clear();
  PutInLine(batch, std::move(publishers), std::nullopt);
  return batch;
}

void Room::Enqueue(plugin::Batch batch, std::size_t from_loop) {
  PutInLine(std::move(batch), {}, from_loop);
}

void Room::PutInLine(plugin::Batch batch, std::vector<PublisherId> publishers,
                     std::optional<std::size_t> from_loop) {
  const std::size_t cost = Cost(batch);
  if (line_.empty()) next_ = subscribers_.size();
  line_.push_back({std::move(batch), next_number_++, std::move(publishers), from_loop, cost});
  waiting_cost_ += cost;
}

// From last to first: a subscriber that leaves meanwhile is replaced by one that has already been
// served, or has joined since; both are recognized by the number of the batch.
Room::Progress Room::Deliver(std::size_t work) {
  Progress progress;
  const Delivery& delivery = line_.front();
  while (next_ > 0 && progress.work < work) {
    next_ = std::min(next_, subscribers_.size());
    if (next_ == 0) break;
    Subscriber& subscriber = *subscribers_[--next_];
    if (subscriber.next_batch > delivery.number) continue;
    subscriber.next_batch = delivery.number + 1;
    progress.work += kWriteWork + delivery.cost;
    if (std::ranges::find(delivery.publishers, subscriber.id()) == delivery.publishers.end()) {
      subscriber.Take(delivery.batch);
    } else if (const auto rest = Without(delivery.batch, delivery.publishers, subscriber.id())) {
      subscriber.Take(*rest);
    }
  }
  if (next_ > 0) return progress;
  progress.from_loop = delivery.from_loop;
  progress.cost = delivery.cost;
  waiting_cost_ -= delivery.cost;
  line_.pop_front();
  next_ = subscribers_.size();
  return progress;
}

Lanes& Room::lanes(std::size_t loops) {
  if (!lanes_) lanes_ = std::make_unique<Lanes>(loops);
  return *lanes_;
}

bool Room::overfull() const {
  return waiting_cost_ > kMostWaiting || (lanes_ && lanes_->full());
}

}  // namespace upgate::plugins::broadcast
