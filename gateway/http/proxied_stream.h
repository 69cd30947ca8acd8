#pragma once

#include <memory>
#include <optional>

#include "gateway/base/proxy_header.h"
#include "gateway/io/memory.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"

namespace upgate::io {
struct Loop;
}

namespace upgate::http {

// A connection that a proxy relays, and that begins with a PROXY header: reads the header, and is
// from then on the stream below it with the addresses that the header gives, at the cost of a call.
// Owns that stream.
class ProxiedStream final : public io::ByteStream,
                            private io::StreamHandler,
                            private io::Timer::Owner {
 public:
  class Observer {
   public:
    // There is no header that can be used; nothing follows, and the stream's handler is not called.
    // From inside the stream's own callbacks: must not destroy the stream.
    virtual void OnProxyRefused(const ProxyError& error) = 0;
    // The header is complete, and the connection is that of `client`. False: nothing more is read,
    // as if it were refused. The same applies as above.
    virtual bool OnProxyHeader(const SocketAddress& client) {
      (void)client;
      return true;
    }

   protected:
    ~Observer() = default;
  };

  // `observer` must outlive the stream. A header that is not complete within `timeout` is refused.
  ProxiedStream(std::unique_ptr<io::ByteStream> lower, io::Millis timeout, io::Loop loop,
                Observer& observer);

  void SetHandler(io::StreamHandler* handler) override;
  void SetReading(bool on) override;
  using io::ByteStream::Write;
  void Write(std::span<const Bytes> slices) override { lower_->Write(slices); }
  void Shutdown() override { lower_->Shutdown(); }
  void Abort() override { lower_->Abort(); }
  std::size_t queued() const override { return lower_->queued(); }
  io::Delivery delivery() const override { return lower_->delivery(); }
  std::size_t held_bytes() const override;
  bool HasUnread() const override { return lower_->HasUnread(); }
  // As the header says; until it is complete, those of the connection itself.
  SocketAddress local_address() const override;
  SocketAddress peer_address() const override;
  const io::TlsInfo* tls() const override { return lower_->tls(); }

 private:
  // What is only needed until the header is complete.
  struct Reading {
    Reading(ProxiedStream& stream, Observer& told, io::Loop loop);
    Observer& observer;
    ProxyHeaderParser parser;
    io::Timer timer;
    io::MemoryCharge charge;
  };

  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnWritable() override;
  void OnFlushed() override;
  void OnTimer(io::Timer& timer) override;
  void Refuse(const ProxyError& error);
  void StopReading();

  const std::unique_ptr<io::ByteStream> lower_;
  io::StreamHandler* handler_ = nullptr;
  std::unique_ptr<Reading> reading_;  // nullptr once the header is complete
  bool refused_ = false;
  std::unique_ptr<ProxyHeader> header_;  // nullptr where it gives no addresses
};

}  // namespace upgate::http
