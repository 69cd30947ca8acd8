#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gateway/io/later.h"
#include "gateway/io/network.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"
#include "gateway/tls/engine.h"

namespace upgate::tls {

// Maximum bytes written before the handshake is complete. Writers that observe congested() stay far
// below it; others get OnError with kLimit instead of unbounded memory use.
inline constexpr std::size_t kMaxWaiting = 1024 * 1024;

class HandshakeObserver {
 public:
  // Called from inside the stream's own callbacks: must not destroy the stream.
  virtual void OnEstablished() = 0;

 protected:
  ~HandshakeObserver() = default;
};

// TLS over another stream, which it owns. One OnBytes from below causes at most three upward (64
// KiB of records, the unfinished record from before, and data left by a paused reader); one Write
// from above causes one Write below. Writes before the end of the handshake are queued and counted
// in queued(); Shutdown is deferred as well.
//
// While reading is off, no ciphertext is decrypted or read from below: at most kReadBufferSize and
// one record of it are kept, and delivered from the loop once reading is on again. A handshake in
// progress continues while reading is off.
class Stream final : public io::ByteStream, private io::StreamHandler, private io::Later {
 public:
  // `keep_alive` is held until the handshake is complete: the contexts that OpenSSL's callbacks
  // use. A handshake that is not complete within `handshake_timeout` fails with kTls; 0: no limit.
  Stream(std::unique_ptr<io::ByteStream> lower, SslPtr ssl, std::shared_ptr<const void> keep_alive,
         io::Millis handshake_timeout, io::Loop loop, Scratch& scratch);

  // Starts the handshake from this side, without waiting for SetReading. `observer` must outlive
  // the handshake.
  void Start(HandshakeObserver& observer);

  void SetHandler(io::StreamHandler* handler) override;
  void SetReading(bool on) override;
  using io::ByteStream::Write;
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override;
  void Abort() override { lower_->Abort(); }
  std::size_t queued() const override {
    return lower_->queued() + (waiting_ ? waiting_->size() : 0);
  }
  io::Delivery delivery() const override {
    io::Delivery delivery = lower_->delivery();
    if (waiting_) delivery.waiting += waiting_->size();
    return delivery;
  }
  // After the handshake without OpenSSL's own memory, which every connection needs.
  std::size_t held_bytes() const override;
  bool HasUnread() const override { return engine_.HasInput() || lower_->HasUnread(); }
  SocketAddress local_address() const override { return lower_->local_address(); }
  SocketAddress peer_address() const override { return lower_->peer_address(); }
  // nullptr until the handshake is complete.
  const io::TlsInfo* tls() const override;

 private:
  enum class State : std::uint8_t { kFresh, kHandshaking, kOpen, kFailed };
  enum class Sending : std::uint8_t { kOpen, kClosing, kClosed };

  // State that only the handshake needs.
  struct Handshake final : io::Timer::Owner, Scratch::UnderWay::Owner {
    Handshake(Stream& s, std::shared_ptr<const void> alive, io::Timers& clock, Scratch& scratch)
        : stream(s),
          keep_alive(std::move(alive)),
          timers(clock),
          timer(clock, *this),
          under_way(scratch, clock.Now(), *this) {}
    void OnTimer(io::Timer&) override {
      stream.Fail(
          {Errc::kTls, "the TLS handshake took longer than http.head_timeout", TlsFault::kTimeout});
    }
    void OnNoRoom() override {
      stream.Fail({Errc::kTls, "the client stopped in the TLS handshake, and others wait",
                   TlsFault::kTimeout});
    }

    Stream& stream;
    std::shared_ptr<const void> keep_alive;
    HandshakeObserver* observer = nullptr;
    io::Timers& timers;
    io::Timer timer;
    Scratch::UnderWay under_way;
  };

  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnWritable() override;
  void OnFlushed() override;
  // Delivers what is available without new ciphertext.
  void OnLater() override { Process(); }

  bool Receiving() const;
  void Process();
  void Deliver(Engine::Step step);
  void Establish();
  // Returns whether OnWritable must be called.
  bool SendWaiting();
  void Flush();
  void UpdateReading();
  void Fail(Error error);
  // Updates the ledger.
  void Charge();

  const std::unique_ptr<io::ByteStream> lower_;
  io::StreamHandler* handler_ = nullptr;
  io::Turn& turn_;
  Scratch::Buffers& buffers_;
  std::unique_ptr<Handshake> handshake_;  // until the handshake is complete
  // Rarely needed, so allocated on demand.
  std::unique_ptr<std::string> waiting_;  // plaintext written while the engine is not writable
  mutable std::unique_ptr<io::TlsInfo> info_;
  State state_ = State::kFresh;
  Sending sending_ = Sending::kOpen;
  bool reading_ = false;
  bool begun_ = false;  // a record was processed or sent
  bool processing_ = false;
  bool ended_ = false;    // the peer's close_notify was reported
  bool stalled_ = false;  // responses to the peer's records have congested the lower stream
  io::MemoryCharge charge_;
  Engine engine_;
};

}  // namespace upgate::tls
