#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace upgate::io {

// Accounting for memory held for clients: queues, incomplete bodies and messages, input that cannot
// be processed yet, TLS. Each loop has a MemoryLedger, to which holders charge what they hold
// through a MemoryCharge; the ledgers add up in one MemoryTotal for the process. A MemoryGuard per
// loop takes action when the total approaches its limit.

// What was refused because of memory. The names used in statistics are in kMemoryRefusalNames.
enum class MemoryRefusal : std::uint8_t {
  kRequest,            // a new request: 503
  kUnfinishedRequest,  // a request whose body is being collected or forwarded: 503
  kSession,            // a WebSocket session: Close 1013
  kStalledReader,      // a client that does not read what is sent to it: reset
  kTlsHandshake,       // a connection during its TLS handshake: dropped
  kConnection,         // a new TLS connection: dropped
};
inline constexpr std::size_t kMemoryRefusals = 6;

// The memory held by all loops, and its limit, in bytes. Thread-safe.
class MemoryTotal {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

  explicit MemoryTotal(std::uint64_t limit = kUnlimited) : limit_(limit) {}

  std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  void SetLimit(std::uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  // Pressure begins above the high mark and ends at the low mark.
  std::uint64_t high_mark() const { return limit() / 4 * 3; }
  std::uint64_t low_mark() const { return limit() / 8 * 5; }

  std::uint64_t held() const {
    const std::int64_t held = held_.load(std::memory_order_relaxed);
    return held > 0 ? static_cast<std::uint64_t>(held) : 0;
  }
  bool over() const { return held() > limit(); }
  void Change(std::int64_t by) { held_.fetch_add(by, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> limit_;
  std::atomic<std::int64_t> held_{0};
};

// Memory shared by several loops, charged to the total immediately and released by the last owner.
// May be destroyed on any thread. Made by MemoryLedger::Share.
class SharedMemoryCharge {
 public:
  SharedMemoryCharge() = default;
  // `total` may be nullptr and must outlive the charge.
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

// A client as seen by memory accounting: its memory can be kept from growing, and can be freed.
// Registered in its loop's ledger from construction to destruction, which must not happen inside a
// call from the guard (see Turn::DeferDelete). Same thread as the ledger.
class MemoryHolder {
 public:
  // Charged to the ledger for each holder: the objects of a connection without any buffers.
  static constexpr std::size_t kBaseBytes = 2048;

  MemoryHolder(const MemoryHolder&) = delete;
  MemoryHolder& operator=(const MemoryHolder&) = delete;

  // Memory that is freed with this client, without kBaseBytes.
  virtual std::size_t held_bytes() const = 0;
  // True if this client must be dropped before all others, however little it holds.
  virtual bool expendable() const { return false; }
  // Pauses or resumes reading from the client and from whatever sends to it. Never delays output.
  // Pausing may be called from anywhere, including the holder's own code; it makes no callbacks.
  virtual void HoldBack(bool wait) = 0;
  // Refuses the client, with a response or Close if possible, and ends HoldBack. Its memory is
  // freed soon.
  virtual MemoryRefusal Refuse() = 0;
  // For a client that still holds much some time after Refuse: drops it immediately.
  virtual void AbortEvicted() = 0;

 protected:
  explicit MemoryHolder(MemoryLedger& ledger);
  virtual ~MemoryHolder();
  // Unregisters a holder that has ended and only waits for its destruction.
  void Leave();

 private:
  friend class MemoryLedger;
  friend class MemoryGuard;
  enum class Standing : std::uint8_t { kFree, kWaiting, kRefused };

  MemoryLedger& ledger_;
  MemoryHolder* next_ = nullptr;
  MemoryHolder** link_ = nullptr;  // the pointer to this holder
  std::uint32_t refused_at_ = 0;   // in seconds of the loop's clock
  Standing standing_ = Standing::kFree;
};

// The memory held by one loop. Its own count is not atomic; the total is updated when the two
// differ by kDrift. Belongs to the loop and outlives everything that runs there; used on its
// thread.
class MemoryLedger {
 public:
  static constexpr std::int64_t kDrift = 64 * 1024;

  class Watcher {
   public:
    // The total was updated; `grew`: upwards. May be called from anywhere. Holders may be held back
    // inside the call, but only if it grew, because otherwise some may be about to be destroyed.
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

  // From now on the memory counts in `total`, which must outlive the ledger.
  void Join(MemoryTotal& total);
  MemoryTotal* total() const { return total_; }
  // `watcher` is not owned; may be nullptr.
  void Watch(Watcher* watcher) { watcher_ = watcher; }

  void Change(std::int64_t by) {
    held_ += by;
    const std::int64_t drift = held_ - published_;
    if (drift >= kDrift || drift <= -kDrift) Publish();
  }
  // Updates the total.
  void Publish();
  // Charges memory that other loops may come to hold, too.
  SharedMemoryCharge Share(std::size_t bytes);

  std::uint64_t held() const { return held_ > 0 ? static_cast<std::uint64_t>(held_) : 0; }
  // True if new clients and requests must be refused.
  bool over() const { return total_ != nullptr && total_->over(); }
  // Reports a refusal that was not made by the guard.
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
  std::int64_t shared_ = 0;  // charged since the last OnMemoryChanged
  MemoryTotal* total_ = nullptr;
  Watcher* watcher_ = nullptr;
  MemoryHolder* first_ = nullptr;
};

// What one holder has charged to its loop's ledger; the destructor releases it.
class MemoryCharge {
 public:
  // The ledger must outlive the charge.
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

// Heap memory of a string or vector.
template <class Container>
std::size_t HeapBytes(const Container& container) {
  // Short strings are stored in the object itself.
  const std::size_t bytes = container.capacity() * sizeof(typename Container::value_type);
  return bytes < sizeof(Container) ? 0 : bytes;
}

}  // namespace upgate::io
