#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace upgate::io {

// Memory that is held for clients: what waits in queues, bodies and messages that are not whole
// yet, what was read and cannot be used yet, TLS. Each loop has a MemoryLedger, in which holders
// enter what they hold through a MemoryCharge; the ledgers add up in one MemoryTotal for the
// process. A MemoryGuard for each loop does something about it when the total gets near its limit.

// Why a client did not get what it asked for. Names for the outside are in kMemoryRefusalNames of
// the statistics.
enum class MemoryRefusal : std::uint8_t {
  kRequest,            // a new request: 503
  kUnfinishedRequest,  // a request whose body is being collected or passed on: 503
  kSession,            // a WebSocket session: Close 1013
  kStalledReader,      // a client that does not take what is sent to it: reset
  kTlsHandshake,       // a connection whose TLS handshake is not over: dropped
  kConnection,         // a new TLS connection: dropped
};
inline constexpr std::size_t kMemoryRefusals = 6;

// What all loops hold together, and how much that may be, in bytes. Thread-safe.
class MemoryTotal {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

  explicit MemoryTotal(std::uint64_t limit = kUnlimited) : limit_(limit) {}

  std::uint64_t limit() const { return limit_; }
  // Pressure begins above the high mark and ends at the low mark.
  std::uint64_t high_mark() const { return limit_ / 4 * 3; }
  std::uint64_t low_mark() const { return limit_ / 8 * 5; }

  std::uint64_t held() const {
    const std::int64_t held = held_.load(std::memory_order_relaxed);
    return held > 0 ? static_cast<std::uint64_t>(held) : 0;
  }
  bool over() const { return held() > limit_; }
  void Change(std::int64_t by) { held_.fetch_add(by, std::memory_order_relaxed); }

 private:
  const std::uint64_t limit_;
  std::atomic<std::int64_t> held_{0};
};

// What several loops share, entered in the total at once; taken back by whoever lets go of it last.
// Thread-safe as far as destroying it is. Made by MemoryLedger::Share.
class SharedMemoryCharge {
 public:
  SharedMemoryCharge() = default;
  // `total` may be nullptr and outlives the charge.
  SharedMemoryCharge(MemoryTotal* total, std::size_t bytes) : total_(total), bytes_(bytes) {
    if (total_ != nullptr) total_->Change(static_cast<std::int64_t>(bytes_));
  }
  ~SharedMemoryCharge() {
    if (total_ != nullptr) total_->Change(-static_cast<std::int64_t>(bytes_));
  }
  SharedMemoryCharge(SharedMemoryCharge&& from) noexcept
      : total_(std::exchange(from.total_, nullptr)), bytes_(from.bytes_) {}
  SharedMemoryCharge& operator=(SharedMemoryCharge&& from) noexcept {
    std::swap(total_, from.total_);
    std::swap(bytes_, from.bytes_);
    return *this;
  }

 private:
  MemoryTotal* total_ = nullptr;
  std::size_t bytes_ = 0;
};

class MemoryLedger;

// A client, as far as its memory goes: what it holds can be made to grow no more, and to go away.
// In its loop's ledger from its construction to its destruction, which must not happen inside a
// call of the guard's (see Turn::DeferDelete). Same thread as the ledger.
class MemoryHolder {
 public:
  // Entered in the ledger for each holder: the objects of a connection without any buffers.
  static constexpr std::size_t kBaseBytes = 2048;

  MemoryHolder(const MemoryHolder&) = delete;
  MemoryHolder& operator=(const MemoryHolder&) = delete;

  // What goes away with this client, without what every client has.
  virtual std::size_t held_bytes() const = 0;
  // Whether it has to go before all others, however little it holds.
  virtual bool expendable() const { return false; }
  // Stops reading from the client, and from whoever sends to it, or goes on. Never keeps anything
  // from being sent. Stopping comes from anywhere, also from inside the holder's own work; it calls
  // nobody.
  virtual void HoldBack(bool wait) = 0;
  // Turns the client down with a word where that is possible, and holds it back no more. What it
  // holds is freed soon.
  virtual MemoryRefusal Refuse() = 0;
  // For a client that still holds much some time after Refuse: drops it at once.
  virtual void CutOff() = 0;

 protected:
  explicit MemoryHolder(MemoryLedger& ledger);
  virtual ~MemoryHolder();
  // For one that is over and only waits for its destruction: the ledger forgets it.
  void Leave();

 private:
  friend class MemoryLedger;
  friend class MemoryGuard;
  enum class Standing : std::uint8_t { kFree, kWaiting, kRefused };

  MemoryLedger& ledger_;
  MemoryHolder* next_ = nullptr;
  MemoryHolder** link_ = nullptr;  // what points at this one
  std::uint32_t refused_at_ = 0;   // seconds of the loop's clock
  Standing standing_ = Standing::kFree;
};

// What one loop holds. Its own count is plain; the total learns of it when the two have drifted
// apart by kDrift. Belongs to the loop and outlives all that runs there; on its thread.
class MemoryLedger {
 public:
  static constexpr std::int64_t kDrift = 64 * 1024;

  class Watcher {
   public:
    // The total has been told of a change; `grew`: of more. Comes from anywhere: holders may be
    // held back inside, and only where it grew, for some may be about to go otherwise.
    virtual void OnMemoryChanged(bool grew) = 0;
    virtual void OnMemoryRefusal(MemoryRefusal refusal) = 0;
    // A holder that was held back is being destroyed.
    virtual void OnWaitingGone() = 0;

   protected:
    ~Watcher() = default;
  };

  MemoryLedger() = default;
  ~MemoryLedger();
  MemoryLedger(const MemoryLedger&) = delete;
  MemoryLedger& operator=(const MemoryLedger&) = delete;

  // From here on what is held counts in `total`, which outlives the ledger.
  void Join(MemoryTotal& total);
  MemoryTotal* total() const { return total_; }
  // `watcher` is not owned; nullptr: nobody.
  void Watch(Watcher* watcher) { watcher_ = watcher; }

  void Change(std::int64_t by) {
    held_ += by;
    const std::int64_t drift = held_ - published_;
    if (drift >= kDrift || drift <= -kDrift) Publish();
  }
  // Tells the total of what it does not know yet.
  void Publish();
  // Enters what other loops may come to hold, too.
  SharedMemoryCharge Share(std::size_t bytes);

  std::uint64_t held() const { return held_ > 0 ? static_cast<std::uint64_t>(held_) : 0; }
  // Whether new clients and requests are to be turned down.
  bool over() const { return total_ != nullptr && total_->over(); }
  // Somebody was turned down without the guard.
  void NoteRefusal(MemoryRefusal refusal) {
    if (watcher_ != nullptr) watcher_->OnMemoryRefusal(refusal);
  }

  template <class Visit>
  void ForEach(Visit&& visit) const {
    for (MemoryHolder* holder = first_; holder != nullptr; holder = holder->next_) visit(*holder);
  }

 private:
  friend class MemoryHolder;

  std::int64_t held_ = 0;
  std::int64_t published_ = 0;
  std::int64_t shared_ = 0;  // entered since the watcher heard of a change
  MemoryTotal* total_ = nullptr;
  Watcher* watcher_ = nullptr;
  MemoryHolder* first_ = nullptr;
};

// What one holder has entered in its loop's ledger; destroying it takes that back.
class MemoryCharge {
 public:
  // The ledger outlives the charge.
  explicit MemoryCharge(MemoryLedger& ledger, std::size_t bytes = 0) : ledger_(ledger) {
    Set(bytes);
  }
  ~MemoryCharge() { Set(0); }
  MemoryCharge(const MemoryCharge&) = delete;
  MemoryCharge& operator=(const MemoryCharge&) = delete;

  std::size_t bytes() const { return bytes_; }
  void Set(std::size_t bytes) {
    if (bytes == bytes_) return;
    ledger_.Change(static_cast<std::int64_t>(bytes) -
                   static_cast<std::int64_t>(std::exchange(bytes_, bytes)));
  }

 private:
  MemoryLedger& ledger_;
  std::size_t bytes_ = 0;
};

// What a string or vector has on the heap.
template <class Container>
std::size_t HeapBytes(const Container& container) {
  // Short strings stand in the object itself.
  const std::size_t bytes = container.capacity() * sizeof(typename Container::value_type);
  return bytes < sizeof(Container) ? 0 : bytes;
}

}  // namespace upgate::io
