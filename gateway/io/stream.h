#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include "gateway/base/address.h"
#include "gateway/base/bytes.h"
#include "gateway/base/result.h"

namespace upgate::io {

// Something whose destruction can wait until the end of the loop's turn (see Turn).
struct Deletable {
  virtual ~Deletable() = default;
};

// Writable bytes in front of every span that OnBytes gets: room for the largest frame header
// without a mask (10), kept larger so that the payload behind it stays aligned.
inline constexpr std::size_t kReadHeadroom = 16;

// Most that one OnBytes delivers: the size of the loop's read buffer.
inline constexpr std::size_t kReadBufferSize = 64 * 1024;

// A stream with more than this queued is congested, and tells its handler when it is down to
// kLowMark.
inline constexpr std::size_t kHighMark = 256 * 1024;
inline constexpr std::size_t kLowMark = 64 * 1024;

// Receives what a ByteStream reads. Never called from inside a call on the stream itself, so a
// handler may do anything to any stream from within a callback except destroy the stream that is
// calling: that goes through Turn::DeferDelete.
class StreamHandler {
 public:
  // Never empty. The bytes stand in a buffer that all streams of the loop share: they may be
  // changed in place, also the kReadHeadroom bytes before them, and are gone when the call returns.
  virtual void OnBytes(MutableBytes data) = 0;
  // The peer will send nothing more (FIN, close_notify). Once. Writing still works.
  virtual void OnEnd() = 0;
  // The peer ended its side below TLS, without close_notify: somebody on the way may have cut it
  // off. True where that is an end like any other, because what is carried says itself whether it
  // is complete: then OnEnd follows, else OnError with kReset.
  virtual bool OnTruncated() { return false; }
  // The connection is broken, for reading and writing. Once, and nothing follows.
  virtual void OnError(const Error& error) = 0;
  // The queue, once congested, is down to kLowMark.
  virtual void OnDrained() = 0;
  // Shutdown() is through: everything written before it and the end mark are with the system. Once;
  // from then on the stream can be destroyed without losing anything. Not called on a broken
  // connection.
  virtual void OnFlushed() {}

 protected:
  ~StreamHandler() = default;
};

// How far what was written has come.
struct Delivery {
  // Bytes that the peer has taken so far: for TCP, acknowledged by its system. Wraps around; to be
  // compared with an earlier one.
  std::uint32_t taken = 0;
  std::size_t waiting = 0;  // bytes that it has not taken: our queue and what the system holds
};

// What TLS agreed on; empty strings where there was none.
struct TlsInfo {
  std::string version;         // "TLSv1.3"
  std::string cipher;          // "TLS_AES_128_GCM_SHA256"
  std::string server_name;     // what the client asked for (SNI)
  std::string client_subject;  // of a verified client certificate
};

// A connected, ordered, two-way stream of bytes: a TCP or unix socket, TLS over one, or memory in a
// test. Belongs to one loop and is used on its thread only. Destroying it closes it at once: what
// is still queued is dropped. It starts with reading off.
class ByteStream : public Deletable {
 public:
  // Not owned; must outlive the stream or be replaced. nullptr: events are dropped and reading
  // stops.
  virtual void SetHandler(StreamHandler* handler) = 0;

  // Turns OnBytes/OnEnd on or off; takes effect at once and costs nothing when it changes nothing.
  // A broken connection is reported even while reading is off, as far as the system tells.
  virtual void SetReading(bool on) = 0;

  // Sends the slices one after the other, in one call to the system where that can be. Never blocks
  // and never fails: what the system does not take now is copied into the queue, and a broken
  // connection is told to the handler later. The queue has no limit of its own; its filler must
  // stop when congested() says so. After Shutdown() or an error the bytes are dropped.
  virtual void Write(std::span<const Bytes> slices) = 0;
  void Write(std::initializer_list<Bytes> slices) {
    Write(std::span(slices.begin(), slices.size()));
  }
  void Write(Bytes bytes) { Write(std::span(&bytes, 1)); }

  // Ends our side (close_notify, FIN) once the queue is sent. Reading goes on.
  virtual void Shutdown() = 0;

  // Makes destruction break the connection off (RST where there is one) instead of ending it in
  // order, so that the peer can tell. Destroy right after.
  virtual void Reset() = 0;

  virtual std::size_t queued() const = 0;
  // Asks the system. A peer takes from the system's buffer, which may hold megabytes, long before
  // anything moves in our queue.
  virtual Delivery delivery() const = 0;
  // What the stream holds for its peer, both ways; entered in the loop's ledger.
  virtual std::size_t held_bytes() const { return queued(); }

  // Whether something is waiting to be read: bytes, the peer's end, or an error. Asks the system,
  // for the few who must know before they write.
  virtual bool HasUnread() const = 0;
  bool congested() const { return queued() > kHighMark; }

  virtual SocketAddress local_address() const = 0;
  virtual SocketAddress peer_address() const = 0;
  // nullptr on a stream without TLS. Owned by the stream.
  virtual const TlsInfo* tls() const { return nullptr; }
};

}  // namespace upgate::io
