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

// Whether an end belongs to the code under test, or to the test, which plays the peers. Injected
// failures and the check for leaks apply only to inside ends.
enum class Place : std::uint8_t { kInside, kOutside };

// Gets a step in every round of a MemoryNetwork. Registers itself on construction and unregisters
// on destruction. Outliving the network is harmless, but a test failure for inside participants.
class Participant {
 public:
  Participant(const Participant&) = delete;
  Participant& operator=(const Participant&) = delete;
  virtual ~Participant();

  // Does one due action, with at most one call to a handler (which may destroy this). False if
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

// A FIFO of bytes that does not move the rest when bytes are taken from the front.
class ByteQueue {
 public:
  std::size_t size() const { return data_.size() - start_; }
  bool empty() const { return size() == 0; }
  void Push(Bytes bytes) { Append(data_, bytes); }
  Bytes Front(std::size_t at_most) const;
  void Pop(std::size_t count);
  void Clear();
  std::uint32_t popped() const { return popped_; }  // in total

 private:
  std::string data_;
  std::size_t start_ = 0;
  std::uint32_t popped_ = 0;
};

// One direction of a connection: bytes accepted by the writer's kernel and not yet read.
struct Pipe {
  ByteQueue bytes;
  std::size_t capacity = 0;
  bool fin = false;          // the bytes are followed by a FIN
  bool broken = false;       // the bytes are followed by a reset
  bool reader_gone = false;  // bytes written from now on are dropped and answered with a reset
};

struct Connection {
  Pipe pipes[2];  // end i writes pipes[i] and reads the other
};

// One end of an in-process connection that behaves like a TCP socket. Bytes that the "kernel" (a
// Pipe) does not accept wait in the stream's queue. Closing delivers the accepted bytes and then a
// FIN. A reset delivers the bytes before it only to a reader that is reading. Violations of
// io::ByteStream's contract are test failures.
class MemoryStream final : public io::ByteStream, public Participant {
 public:
  // Created by MemoryNetwork; `side` is 0 for the connecting end and 1 for the accepted end.
  MemoryStream(MemoryNetwork& network, Place place, std::shared_ptr<Connection> connection,
               int side, SocketAddress local, SocketAddress peer);
  ~MemoryStream() override;

  using io::ByteStream::Write;
  void SetHandler(io::StreamHandler* handler) override;
  void SetReading(bool on) override;
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override;
  bool EndsOnDestruction() const override;
  void Abort() override { reset_on_close_ = true; }
  std::size_t queued() const override { return queue_.size(); }
  io::Delivery delivery() const override;
  bool HasUnread() const override;
  SocketAddress local_address() const override { return local_; }
  SocketAddress peer_address() const override { return peer_; }

  bool Step() override;
  std::string Describe() const override;

  // Controls for tests.

  // Maximum bytes per OnBytes; at most io::kReadBufferSize.
  void SetReadChunk(std::size_t bytes) { read_chunk_ = bytes; }
  // How many bytes the kernel accepts from this end before the stream queues.
  void SetSendBuffer(std::size_t bytes) { out().capacity = bytes; }
  // The n-th read or write from now (1 is the next) breaks the connection: OnError here, and a
  // reset for the peer.
  void FailRead(int nth, Error error = {Errc::kReset, "injected read failure"});
  void FailWrite(int nth, Error error = {Errc::kReset, "injected write failure"});
  // Breaks the connection at once, like a network failure: OnError at both ends.
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
  // Counts one operation. If it has to fail, breaks the connection and returns false.
  bool Operate(std::optional<Injected>& injected);
  void Offer(Bytes bytes);
  void Charge() {
    if (charge_) charge_->Set(queue_.size());
  }
  bool Flush();
  void SendFin();
  bool ErrorIsDue() const;
  bool TellWriter();
  bool Read();
  void DeliverError();
  void DeliverBytes();
  // Calls the handler; returns whether this stream still exists.
  template <class Call>
  bool CallHandler(Call&& call);

  const std::shared_ptr<Connection> connection_;
  const int side_;
  const SocketAddress local_;
  const SocketAddress peer_;
  io::StreamHandler* handler_ = nullptr;
  ByteQueue queue_;
  std::optional<io::MemoryCharge> charge_;  // for queue_
  std::size_t read_chunk_;
  std::optional<Error> error_;  // not reported yet
  std::optional<Injected> fail_read_;
  std::optional<Injected> fail_write_;
  bool* destroyed_ = nullptr;  // set while the handler runs
  bool reading_ = false;
  bool was_congested_ = false;
  bool shutdown_ = false;
  bool flush_is_due_ = false;  // OnFlushed
  bool ended_ = false;
  bool failed_ = false;
  bool reset_on_close_ = false;
};

}  // namespace upgate::test
