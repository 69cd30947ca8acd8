#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/io/network.h"
#include "gateway/tls/context.h"

namespace upgate::tls::test {

class PipeEnd;

// A loop without a network, with simulated time: it runs deferred callbacks and the ends of pipes.
class PipeLoop final : private io::Network,
                       private io::Timers,
                       private io::Entropy,
                       private io::Turn {
 public:
  PipeLoop();
  ~PipeLoop() override;
  PipeLoop(const PipeLoop&) = delete;
  PipeLoop& operator=(const PipeLoop&) = delete;

  io::MemoryLedger memory;
  io::Loop io() { return {*this, *this, *this, *this, memory}; }
  Scratch& scratch() { return scratch_; }
  // Runs until nothing happens any more.
  void Run();
  // Fires all armed timers.
  void Expire();
  bool something_waits() const { return !later_.empty(); }

  // Both ends of a connection that delivers at most `chunk` bytes at a time.
  std::pair<std::unique_ptr<PipeEnd>, std::unique_ptr<PipeEnd>> Connect(std::size_t chunk);

 private:
  friend class PipeEnd;
  Result<std::unique_ptr<io::Listener>> Listen(const SocketAddress&, const io::ListenOptions&,
                                               io::AcceptHandler&) override;
  std::unique_ptr<io::Pending> Connect(const SocketAddress&, io::ConnectHandler&) override;
  std::unique_ptr<io::Pending> Resolve(const std::string&, io::ResolveHandler&) override;
  io::Instant Now() const override { return {}; }
  std::int64_t UnixSeconds() const override { return 0; }
  void Insert(io::Timer& timer, io::Instant deadline) override;
  void Fill(MutableBytes out) override;
  void DeferDelete(std::unique_ptr<io::Deletable> thing) override {
    deferred_.push_back(std::move(thing));
  }
  void RunLater(io::Later& later) override {
    if (!later.waiting()) later_.Append(later);
  }
  void Continue(io::Later& later) override { RunLater(later); }

  Scratch scratch_;
  io::LaterList later_;
  io::Timer* timers_ = nullptr;
  std::vector<PipeEnd*> ends_;
  std::vector<std::unique_ptr<io::Deletable>> deferred_;
};

// Bytes that one end has sent and the other has not read.
struct Flow {
  std::string bytes;
  std::size_t read = 0;
  bool fin = false;
  bool reset = false;
};

class PipeEnd final : public io::ByteStream {
 public:
  // How much the "kernel" accepts before the stream queues.
  static constexpr std::size_t kWindow = 32 * 1024;

  PipeEnd(PipeLoop& loop, std::shared_ptr<std::array<Flow, 2>> flows, std::size_t side,
          std::size_t chunk);
  ~PipeEnd() override;

  using io::ByteStream::Write;
  void SetHandler(io::StreamHandler* handler) override { handler_ = handler; }
  void SetReading(bool on) override { reading_ = on; }
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override;
  void Abort() override { reset_ = true; }
  std::size_t queued() const override;
  io::Delivery delivery() const override { return {.waiting = queued()}; }
  bool HasUnread() const override {
    return in().read < in().bytes.size() || in().fin || in().reset;
  }
  SocketAddress local_address() const override { return IpPort{*Ip::Parse("127.0.0.1"), 443}; }
  SocketAddress peer_address() const override { return IpPort{*Ip::Parse("127.0.0.2"), 1234}; }

  bool Step();
  bool reading() const { return reading_; }
  int writes() const { return writes_; }
  // Fragment sizes of the TLS records written, without headers.
  std::vector<std::size_t> RecordSizes() const;
  // Called with all outgoing bytes first.
  std::function<void(std::string& bytes)> tamper;

 private:
  Flow& out() const { return (*flows_)[side_]; }
  Flow& in() const { return (*flows_)[1 - side_]; }

  PipeLoop& loop_;
  std::shared_ptr<std::array<Flow, 2>> flows_;
  const std::size_t side_;
  const std::size_t chunk_;
  io::StreamHandler* handler_ = nullptr;
  std::string history_;
  int writes_ = 0;
  bool reading_ = false;
  bool reset_ = false;
  bool congested_ = false;
  bool ended_ = false;
  bool shutdown_ = false;
  bool flushed_ = false;
};

// Records the events of a stream, overwrites the buffers it was lent, and checks that it is not
// called from inside a call.
class Recorder final : public io::StreamHandler {
 public:
  // Becomes the handler; does not change reading.
  void Watch(std::unique_ptr<io::ByteStream> watched);
  // Wraps every call on the stream.
  template <class F>
  void Call(F&& call) {
    const bool outer = std::exchange(inside_, true);
    call(*stream);
    inside_ = outer;
  }
  void Send(std::string_view text) {
    Call([&](io::ByteStream& s) { s.Write(AsBytes(text)); });
  }
  void Read(bool on) {
    Call([&](io::ByteStream& s) { s.SetReading(on); });
  }

  std::unique_ptr<io::ByteStream> stream;
  std::string received;
  std::vector<Error> errors;
  int deliveries = 0;
  std::size_t largest = 0;
  int ends = 0;
  int truncations = 0;
  bool takes_truncation = false;  // treats a truncation like any other end
  int drained = 0;
  int flushed = 0;
  std::function<void(Bytes)> on_bytes;
  std::function<void()> on_drained;

 private:
  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  bool OnTruncated() override { return ++truncations > 0 && takes_truncation; }
  void OnError(const Error& error) override;
  void OnWritable() override;
  void OnFlushed() override;
  void CheckCallback() const;
  bool inside_ = false;
};

// Records the outcome of a client's handshake.
class ConnectRecorder final : public io::ConnectHandler {
 public:
  std::unique_ptr<io::Pending> pending;
  std::unique_ptr<io::ByteStream> stream;
  std::vector<Error> failures;
  int connected = 0;

 private:
  void OnConnected(std::unique_ptr<io::ByteStream> made) override;
  void OnConnectFailed(const Error& error) override;
};

// Text in which every position is recognizable.
std::string Pattern(std::size_t size);

}  // namespace upgate::tls::test
