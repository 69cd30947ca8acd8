#include "tests/support/memory_stream.h"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/memory_network.h"

namespace upgate::test {

Participant::Participant(MemoryNetwork& network, Place place)
    : network_(&network), id_(++network.last_id_), place_(place) {
  network.participants_.emplace(id_, this);
}

Participant::~Participant() {
  if (network_ != nullptr) network_->Remove(id_);
}

Bytes ByteQueue::Front(std::size_t at_most) const {
  return AsBytes(std::string_view(data_).substr(start_, at_most));
}

void ByteQueue::Pop(std::size_t count) {
  popped_ += static_cast<std::uint32_t>(count);
  start_ += count;
  if (start_ == data_.size()) {
    Clear();
  } else if (start_ > data_.size() / 2) {
    data_.erase(0, start_);
    start_ = 0;
  }
}

void ByteQueue::Clear() {
  data_.clear();
  start_ = 0;
}

MemoryStream::MemoryStream(MemoryNetwork& network, Place place,
                           std::shared_ptr<Connection> connection, int side, SocketAddress local,
                           SocketAddress peer)
    : Participant(network, place),
      connection_(std::move(connection)),
      side_(side),
      local_(std::move(local)),
      peer_(std::move(peer)),
      read_chunk_(place == Place::kInside ? network.options().read_chunk : io::kReadBufferSize) {
  if (place == Place::kInside && network.ledger() != nullptr) charge_.emplace(*network.ledger());
}

MemoryStream::~MemoryStream() {
  if (destroyed_ != nullptr) {
    // Allowed for the test's own scripts, which are not under test.
    if (place() == Place::kInside)
      ADD_FAILURE() << "a stream was destroyed by its own handler, inside a callback: "
                    << Describe();
    *destroyed_ = true;
  }
  const bool unread =
      network() != nullptr && network()->options().reset_on_unread && !in().bytes.empty();
  if (reset_on_close_ || unread) {
    out().broken = true;
  } else {
    out().fin = true;
  }
  in().reader_gone = true;
}

void MemoryStream::SetHandler(io::StreamHandler* handler) {
  handler_ = handler;
  if (handler == nullptr) reading_ = false;
}

void MemoryStream::SetReading(bool on) {
  if (on && handler_ == nullptr) {
    ADD_FAILURE() << "reading turned on without a handler; bytes would be lost: " << Describe();
    return;
  }
  reading_ = on;
}

bool MemoryStream::Operate(std::optional<Injected>& injected) {
  std::optional<Error> error;
  if (injected && --injected->countdown == 0) error = std::exchange(injected, {})->error;
  if (place() == Place::kInside) {
    if (auto counted = network()->CountOperation()) error = std::move(counted);
  }
  if (!error) return true;
  Break(*std::move(error));
  return false;
}

void MemoryStream::Write(std::span<const Bytes> slices) {
  const bool empty = std::ranges::all_of(slices, [](Bytes slice) { return slice.empty(); });
  if (empty || shutdown_ || dead() || network() == nullptr) return;
  if (queue_.empty() && !Operate(fail_write_)) return;
  for (const Bytes slice : slices) Offer(slice);
  Charge();
  if (congested()) was_congested_ = true;
}

void MemoryStream::Offer(Bytes bytes) {
  Pipe& pipe = out();
  if (pipe.reader_gone) {
    if (!error_) error_ = Error{Errc::kReset, "connection reset by peer"};
    return;
  }
  if (queue_.empty()) {
    const std::size_t room = pipe.capacity - std::min(pipe.capacity, pipe.bytes.size());
    const std::size_t taken = std::min(room, bytes.size());
    pipe.bytes.Push(bytes.first(taken));
    bytes = bytes.subspan(taken);
  }
  queue_.Push(bytes);
}

void MemoryStream::Shutdown() {
  if (shutdown_ || dead()) return;
  shutdown_ = true;
  if (queue_.empty()) SendFin();
}

bool MemoryStream::EndsOnDestruction() const {
  return !shutdown_ && !dead() && delivery().waiting < io::kDeliveryGrain;
}

void MemoryStream::SendFin() {
  out().fin = true;
  flush_is_due_ = true;
}

bool MemoryStream::Flush() {
  Pipe& pipe = out();
  if (dead() || queue_.empty() || !(pipe.reader_gone || pipe.bytes.size() < pipe.capacity))
    return false;
  if (!Operate(fail_write_)) return true;
  if (pipe.reader_gone) {
    error_ = Error{Errc::kReset, "connection reset by peer"};
    return true;
  }
  const Bytes next = queue_.Front(pipe.capacity - pipe.bytes.size());
  pipe.bytes.Push(next);
  queue_.Pop(next.size());
  Charge();
  if (queue_.empty() && shutdown_) SendFin();
  return true;
}

io::Delivery MemoryStream::delivery() const {
  const ByteQueue& pipe = connection_->pipes[side_].bytes;
  return {.taken = pipe.popped(), .waiting = queue_.size() + pipe.size()};
}

bool MemoryStream::HasUnread() const {
  const Pipe& pipe = connection_->pipes[1 - side_];
  return dead() || !pipe.bytes.empty() || pipe.fin || pipe.broken;
}

bool MemoryStream::ErrorIsDue() const {
  if (failed_ || handler_ == nullptr) return false;
  if (error_) return true;
  // A reset overtakes data sent before it unless the peer is reading.
  const Pipe& pipe = connection_->pipes[1 - side_];
  return pipe.broken && (pipe.bytes.empty() || !reading_ || ended_);
}

template <class Call>
bool MemoryStream::CallHandler(Call&& call) {
  bool destroyed = false;
  destroyed_ = &destroyed;
  call(*handler_);
  if (!destroyed) destroyed_ = nullptr;
  return !destroyed;
}

void MemoryStream::DeliverError() {
  failed_ = true;
  queue_.Clear();
  Charge();
  const Error error =
      error_ ? *std::exchange(error_, {}) : Error{Errc::kReset, "connection reset by peer"};
  CallHandler([&](io::StreamHandler& handler) { handler.OnError(error); });
}

void MemoryStream::DeliverBytes() {
  MemoryNetwork& network = *this->network();  // may outlive this stream below
  const Bytes next = in().bytes.Front(std::clamp<std::size_t>(read_chunk_, 1, io::kReadBufferSize));
  const MutableBytes lent = network.LendReadBuffer(next);
  in().bytes.Pop(next.size());
  CallHandler([&](io::StreamHandler& handler) { handler.OnBytes(lent); });
  network.ReleaseReadBuffer(lent.size());
}

// Calls OnWritable or OnFlushed; true if the handler was called.
bool MemoryStream::TellWriter() {
  if (was_congested_ && queue_.size() <= io::kLowMark) {
    was_congested_ = false;
    if (handler_ == nullptr) return false;
    CallHandler([](io::StreamHandler& handler) { handler.OnWritable(); });
    return true;
  }
  if (!std::exchange(flush_is_due_, false) || handler_ == nullptr) return false;
  CallHandler([](io::StreamHandler& handler) { handler.OnFlushed(); });
  return true;
}

// Calls OnBytes or OnEnd; true if there was something to read.
bool MemoryStream::Read() {
  if (!reading_ || handler_ == nullptr || ended_) return false;
  if (!in().bytes.empty()) {
    if (Operate(fail_read_)) DeliverBytes();
    return true;
  }
  if (!in().fin) return false;
  ended_ = true;
  CallHandler([](io::StreamHandler& handler) { handler.OnEnd(); });
  return true;
}

bool MemoryStream::Step() {
  if (failed_) return false;
  const bool flushed = Flush();
  if (ErrorIsDue()) {
    DeliverError();
    return true;
  }
  if (dead()) return flushed;
  return TellWriter() || Read() || flushed;
}

std::string MemoryStream::Describe() const {
  return "stream " + (side_ == 0 ? ToString(local_) + " -> " + ToString(peer_)
                                 : ToString(local_) + " <- " + ToString(peer_));
}

void MemoryStream::FailRead(int nth, Error error) {
  fail_read_ = Injected{nth, std::move(error)};
}

void MemoryStream::FailWrite(int nth, Error error) {
  fail_write_ = Injected{nth, std::move(error)};
}

void MemoryStream::Break(Error error) {
  if (dead()) return;
  error_ = std::move(error);
  out().broken = true;
  in().reader_gone = true;
}

}  // namespace upgate::test
