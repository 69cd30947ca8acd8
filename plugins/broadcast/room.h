#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/plugin/message.h"

namespace upgate::plugins::broadcast {

class Subscriber;

// Who publishes; no two subscribers of a loop ever have the same. 0: not a subscriber of this loop.
using PublisherId = std::uint64_t;

// The subscribers of one path on one loop, and what has been published there in this turn and is
// not delivered yet. Made, used and destroyed by its hub.
class Room {
 public:
  explicit Room(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool empty() const { return subscribers_.empty(); }

  // A subscriber remembers its place here, so that leaving takes the same time however many there
  // are. It may leave while messages are being delivered.
  void Add(Subscriber& subscriber);
  void Remove(Subscriber& subscriber);

  // Keeps a message until DeliverPublished. `but` does not get it.
  void Publish(plugin::Message message, PublisherId but);
  bool has_published() const { return !published_.empty(); }
  // Gives what was published to the subscribers, in one piece to each, and returns it for the other
  // loops.
  std::vector<plugin::Message> DeliverPublished();

  // Gives messages from elsewhere to all subscribers.
  void Deliver(std::span<const plugin::Message> messages);

  // Whether the hub has it on its list for the end of the turn; for the hub.
  bool listed = false;

 private:
  std::vector<plugin::Message> PublishedByOthers(PublisherId than) const;

  const std::string path_;
  std::vector<Subscriber*> subscribers_;
  std::vector<plugin::Message> published_;
  std::vector<PublisherId> publishers_;  // of published_, one each
};

}  // namespace upgate::plugins::broadcast
