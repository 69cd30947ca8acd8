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

// Who publishes; no two subscribers of a loop ever have the same. 0: not a subscriber of this loop.
using PublisherId = std::uint64_t;

// The subscribers of one path on one loop, and what is on its way to them. Made, used and destroyed
// by its hub.
//
// What is published is gathered, sealed into a batch, and delivered to one subscriber after the
// other, over as many turns of the loop as it takes. Meanwhile the publishers of the room wait.
class Room {
 public:
  explicit Room(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool empty() const { return subscribers_.empty(); }

  // A subscriber remembers its place here, so that leaving takes the same time however many there
  // are. It gets what is sealed from now on. It may leave while messages are being delivered.
  void Add(Subscriber& subscriber);
  void Remove(Subscriber& subscriber);

  // Keeps a message until Seal. `but` does not get it.
  void Publish(plugin::Message message, PublisherId but);
  // What was published since the last time, now in line for delivery; nothing where nothing was.
  std::optional<plugin::Batch> Seal();
  // Puts a batch in line that comes from another loop.
  void Enqueue(plugin::Batch batch, std::size_t from_loop);

  bool delivering() const { return !line_.empty(); }
  // What is in line, in cost.
  std::size_t waiting_cost() const { return waiting_cost_; }

  struct Progress {
    std::size_t work = 0;  // done
    // A batch of another loop that everybody has now.
    std::optional<std::size_t> from_loop;
    std::size_t cost = 0;
  };
  // Goes on with the first batch in line until `work` is used up or it is done. May dismiss
  // subscribers.
  Progress Deliver(std::size_t work);

  // Between this room and those of the same path on the other loops; made with its first use.
  Lanes& lanes(std::size_t loops);
  // Whether a publisher has to wait; it is then called back through `held`.
  bool full() const { return delivering() || (lanes_ && lanes_->full()); }
  // Whether too much is on its way to take what comes from elsewhere.
  bool overfull() const;
  io::LaterList held;

  // Whether the hub has it on its list for the end of the turn; for the hub.
  bool listed = false;

 private:
  struct Delivery {
    plugin::Batch batch;
    std::uint64_t number;
    std::vector<PublisherId> publishers;  // one for each message; empty: nobody is left out
    std::optional<std::size_t> from_loop;
    std::size_t cost;
  };

  void PutInLine(plugin::Batch batch, std::vector<PublisherId> publishers,
                 std::optional<std::size_t> from_loop);

  const std::string path_;
  std::vector<Subscriber*> subscribers_;
  std::vector<plugin::Message> published_;
  std::vector<PublisherId> publishers_;  // of published_, one each
  bool leaves_out_ = false;              // one of publishers_ is not 0
  std::deque<Delivery> line_;
  std::uint64_t next_number_ = 0;
  std::size_t next_ = 0;  // of the first in line: subscribers before this place are to be served
  std::size_t waiting_cost_ = 0;
  std::unique_ptr<Lanes> lanes_;
};

}  // namespace upgate::plugins::broadcast
