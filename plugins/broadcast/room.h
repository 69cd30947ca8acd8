#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/plugin/service.h"
#include "plugins/broadcast/lanes.h"

namespace upgate::plugins::broadcast {

class Subscriber;

// Identifies a publisher; unique among the subscribers of a loop. 0: not a subscriber of this loop.
using PublisherId = std::uint64_t;

// The subscribers of one path on one loop, and the messages in transit to them. Created, used and
// destroyed by its hub.
//
// Published messages are gathered, sealed into a batch, and delivered to one subscriber after
// another, over as many turns of the loop as needed. Meanwhile the publishers of the room wait.
class Room {
 public:
  explicit Room(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool empty() const { return subscribers_.empty(); }

  // A subscriber stores its index in the room, so that leaving takes constant time. It gets what is
  // sealed from now on. It may leave during delivery.
  void Add(Subscriber& subscriber);
  void Remove(Subscriber& subscriber);

  // Keeps a message until Seal. It is not sent to `but`.
  void Publish(plugin::Message message, PublisherId but);
  // Queues what was published since the last call for delivery and returns it; nullopt if there is
  // nothing.
  std::optional<plugin::Batch> Seal();
  // Queues a batch from another loop for delivery.
  void Enqueue(plugin::Batch batch, std::size_t from_loop);

  bool delivering() const { return !line_.empty(); }
  // Total cost of the queued batches.
  std::size_t waiting_cost() const { return waiting_cost_; }

  struct Progress {
    std::size_t work = 0;  // done
    // Set when a batch from another loop has been delivered to everybody.
    std::optional<std::size_t> from_loop;
    std::size_t cost = 0;
  };
  // Continues with the first queued batch until `work` is used up or the batch is finished. May
  // dismiss subscribers.
  Progress Deliver(std::size_t work);

  // Flow control to the same path's rooms on the other loops; created on first use.
  Lanes& lanes(std::size_t loops);
  // Whether publishers must wait; they are then called back through `held`.
  bool full() const { return delivering() || (lanes_ && lanes_->full()); }
  // Whether too much is in transit to accept messages from outside of the room.
  bool overfull() const;
  io::LaterList held;

  // For the hub: whether the room is in its list for the end of the turn.
  bool listed = false;

 private:
  struct Delivery {
    plugin::Batch batch;
    std::uint64_t number;
    std::vector<PublisherId> publishers;  // one per message; empty: everybody gets all
    std::optional<std::size_t> from_loop;
    std::size_t cost;
  };

  void PutInLine(plugin::Batch batch, std::vector<PublisherId> publishers,
                 std::optional<std::size_t> from_loop);

  const std::string path_;
  std::vector<Subscriber*> subscribers_;
  std::vector<plugin::Message> published_;
  std::vector<PublisherId> publishers_;  // of published_, one each
  bool leaves_out_ = false;              // at least one of publishers_ is not 0
  std::deque<Delivery> line_;
  std::uint64_t next_number_ = 0;
  std::size_t next_ =
      0;  // of the first queued batch: subscribers before this index are not served yet
  std::size_t waiting_cost_ = 0;
  std::unique_ptr<Lanes> lanes_;
};

}  // namespace upgate::plugins::broadcast
