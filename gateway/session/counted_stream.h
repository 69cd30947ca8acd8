#pragma once

#include <memory>
#include <utility>

#include "gateway/io/stream.h"
#include "gateway/stats/stats.h"

namespace upgate::session {

// A stream to a server that counts the bytes in both directions. On the stream's loop's thread.
class CountedStream final : public io::ByteStream, private io::StreamHandler {
 public:
  // `stats` outlives it.
  CountedStream(std::unique_ptr<io::ByteStream> stream, stats::ServerStats& stats)
      : stream_(std::move(stream)), stats_(stats) {}

  void SetHandler(io::StreamHandler* handler) override {
    handler_ = handler;
    stream_->SetHandler(handler != nullptr ? this : nullptr);
  }
  void SetReading(bool on) override { stream_->SetReading(on); }
  using io::ByteStream::Write;
  void Write(std::span<const Bytes> slices) override {
    for (const Bytes slice : slices) stats_.bytes_sent.Add(slice.size());
    stream_->Write(slices);
  }
  void Shutdown() override { stream_->Shutdown(); }
  void Abort() override { stream_->Abort(); }
  std::size_t queued() const override { return stream_->queued(); }
  io::Delivery delivery() const override { return stream_->delivery(); }
  std::size_t held_bytes() const override { return stream_->held_bytes(); }
  bool HasUnread() const override { return stream_->HasUnread(); }
  SocketAddress local_address() const override { return stream_->local_address(); }
  SocketAddress peer_address() const override { return stream_->peer_address(); }
  const io::TlsInfo* tls() const override { return stream_->tls(); }

 private:
  void OnBytes(MutableBytes data) override {
    stats_.bytes_received.Add(data.size());
    handler_->OnBytes(data);
  }
  void OnEnd() override { handler_->OnEnd(); }
  bool OnTruncated() override { return handler_->OnTruncated(); }
  void OnError(const Error& error) override { handler_->OnError(error); }
  void OnWritable() override { handler_->OnWritable(); }
  void OnFlushed() override { handler_->OnFlushed(); }

  std::unique_ptr<io::ByteStream> stream_;
  stats::ServerStats& stats_;
  io::StreamHandler* handler_ = nullptr;
};

}  // namespace upgate::session
