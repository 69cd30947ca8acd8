#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gateway/io/memory.h"
#include "gateway/io/stream.h"

namespace upgate::test {

class MemoryNetwork;

// Whether an end belongs to the code under test or to the test, which plays the rest of the world.
// Only what is inside is subject to injected failures and has to be gone when the network goes.
enum class Place : std::uint8_t { kInside, kOutside };

// Something that gets its turn in every round of a MemoryNetwork. It enters with its construction
// and leaves with its destruction; outliving the network is harmless, but a test failure when it is
// inside.
class Participant {
 public:
  Participant(const Participant&) = delete;
  Participant& operator=(const Participant&) = delete;
  virtual ~Participant();

  // Does what is due, with at most one callback to a handler (which may destroy this). False when
  // nothing was due.
  virtual bool Step() = 0;
  virtual std::string Describe() const = 0;
  Place place() const { return place_; }

 protected:
  Participant(MemoryNetwork& network, Place place);
  MemoryNetwork* network() const { return network_; }  // nullptr once the network is gone

 private:
  friend class MemoryNetwork;
  MemoryNetwork* network_;
  std::uint64_t id_ = 0;
  Place place_;
};

// Bytes in order; taken from the front without moving the rest each time.
class ByteQueue {
 public:
  std::size_t size() const { return data_.size() - start_; }
  bool empty() const { return size() == 0; }
  void Push(Bytes bytes) { Append(data_, bytes); }
  Bytes Front(std::size_t at_most) const;
  void Pop(std::size_t count);
  void Clear();
  std::uint32_t popped() const { return popped_; }  // in all

 private:
  std::string data_;
  std::size_t start_ = 0;
  std::uint32_t popped_ = 0;
};

// One direction of a connection: what the writer's system took and the reader has not read.
struct Pipe {
  ByteQueue bytes;
  std::size_t capacity = 0;
  bool fin = false;          // nothing follows the bytes
  bool broken = false;       // a reset follows the bytes
  bool reader_gone = false;  // bytes written from now on vanish, and come back as a reset
};

struct Connection {
  Pipe pipes[2];  // end i writes pipes[i] and reads the other
};

// One end of a connection inside the process, with the manners of a TCP socket: what the "system"
// (a Pipe) does not take waits in the stream's queue; closing delivers what the system took and
// then an end; a reset lets a reader that is reading have what came before. Breaking
// io::ByteStream's contract is a test failure.
class MemoryStream final : public io::ByteStream, public Participant {
 public:
  // Made by MemoryNetwork; `side` is 0 for the end that connected and 1 for the end that was
  // accepted.
  MemoryStream(MemoryNetwork& network, Place place, std::shared_ptr<Connection> connection,
               int side, SocketAddress local, SocketAddress peer);
  ~MemoryStream() override;

  using io::ByteStream::Write;
  void SetHandler(io::StreamHandler* handler) override;
  void SetReading(bool on) override;
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override;
  void Reset() override { reset_on_close_ = true; }
  std::size_t queued() const override { return queue_.size(); }
  io::Delivery delivery() const override;
  bool HasUnread() const override;
  SocketAddress local_address() const override { return local_; }
  SocketAddress peer_address() const override { return peer_; }

  bool Step() override;
  std::string Describe() const override;

  // Controls for tests.

  // Most bytes that one OnBytes delivers; at most io::kReadBufferSize.
  void SetReadChunk(std::size_t bytes) { read_chunk_ = bytes; }
  // How much the system takes from this end before it makes it queue.
  void SetSendBuffer(std::size_t bytes) { out().capacity = bytes; }
  // The n-th read or write from now (1 is the next) breaks the connection: OnError here and a reset
  // for the peer.
  void FailRead(int nth, Error error = {Errc::kReset, "injected read failure"});
  void FailWrite(int nth, Error error = {Errc::kReset, "injected write failure"});
  // Breaks the connection at once, as a dying network would: OnError at both ends.
  void Break(Error error = {Errc::kReset, "connection broken by the test"});
  bool reading() const { return reading_; }

 private:
  struct Injected {
    int countdown;
    Error error;
  };

  Pipe& out() { return connection_->pipes[side_]; }
  Pipe& in() { return connection_->pipes[1 - side_]; }
  bool dead() const { return failed_ || error_.has_value(); }
  // Counts one operation; false, and the connection is broken, when it is the one that has to fail.
  bool Operate(std::optional<Injected>& injected);
  void Offer(Bytes bytes);
  void Charge() {
    if (charge_) charge_->Set(queue_.size());
  }
  bool Flush();
  void EndOutput();
  bool ErrorIsDue() const;
  bool TellWriter();
  bool Read();
  void DeliverError();
  void DeliverBytes();
  // Calls the handler and reports whether this stream survived it.
  template <class Call>
  bool CallHandler(Call&& call);

  const std::shared_ptr<Connection> connection_;
  const int side_;
  const SocketAddress local_;
  const SocketAddress peer_;
  io::StreamHandler* handler_ = nullptr;
  ByteQueue queue_;
  std::optional<io::MemoryCharge> charge_;  // of queue_
  std::size_t read_chunk_;
  std::optional<Error> error_;  // still to be told
  std::optional<Injected> fail_read_;
  std::optional<Injected> fail_write_;
  bool* destroyed_ = nullptr;  // set while the handler is being called
  bool reading_ = false;
  bool was_congested_ = false;
  bool shutdown_ = false;
  bool flush_is_due_ = false;  // OnFlushed
  bool ended_ = false;
  bool failed_ = false;
  bool reset_on_close_ = false;
};

}  // namespace upgate::test
