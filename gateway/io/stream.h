#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/bytes.h"
#include "gateway/base/result.h"

namespace upgate::io {

// An object whose destruction can be deferred to the end of the loop's turn (see Turn).
struct Deletable {
  virtual ~Deletable() = default;
};

// Writable bytes before every span passed to OnBytes: room for the largest frame header without a
// mask (10), rounded up so that the payload behind it stays aligned.
inline constexpr std::size_t kReadHeadroom = 16;

// Maximum size of one OnBytes call: the size of the loop's read buffer.
inline constexpr std::size_t kReadBufferSize = 64 * 1024;

// High and low watermark of the send queue: a stream with more than kHighMark queued is congested,
// and tells its handler when it has drained to kLowMark.
inline constexpr std::size_t kHighMark = 256 * 1024;
inline constexpr std::size_t kLowMark = 64 * 1024;

// Receives the events of a ByteStream. Never called from inside a call on the stream itself, so a
// handler may do anything to any stream from inside a callback except destroy the calling stream:
// use Turn::DeferDelete for that.
class StreamHandler {
 public:
  // Never empty. The bytes are in a buffer that all streams of the loop share: they may be modified
  // in place, together with the kReadHeadroom bytes before them, and are only valid during the
  // call.
  virtual void OnBytes(MutableBytes data) = 0;
  // The peer will send nothing more (FIN, close_notify). Called once. Writing still works.
  virtual void OnEnd() = 0;
  // The peer closed the transport below TLS without close_notify, so the data may have been
  // truncated by an attacker. Return true to treat this as a normal end, because the protocol above
  // detects truncation itself: then OnEnd follows, else OnError with kReset.
  virtual bool OnTruncated() { return false; }
  // The connection failed in both directions. Called once, and nothing follows.
  virtual void OnError(const Error& error) = 0;
  // The queue has drained to kLowMark after it was congested.
  virtual void OnWritable() = 0;
  // Shutdown() is complete: the system has accepted everything written before it and the end mark.
  // Called once; from then on the stream can be destroyed without losing data. Not called after the
  // connection failed.
  virtual void OnFlushed() {}

 protected:
  ~StreamHandler() = default;
};

// While less than this has been written to a stream, delivery() may count all of it as waiting:
// short sessions then need no system call for it.
inline constexpr std::size_t kDeliveryGrain = 4096;

// Delivery progress of the bytes written.
struct Delivery {
  // Bytes that the peer has received so far: for TCP, acknowledged by its system. Wraps around; to
  // be compared with an earlier value.
  std::uint32_t taken = 0;
  std::size_t waiting = 0;  // bytes not received yet: the queue and the system's buffer
};

// A client's certificate that was verified against the listener's CAs.
struct PeerCertificate {
  std::string der;
  std::string issuer;              // as client_subject
  std::string serial;              // in hexadecimal digits
  std::string sha256;              // of the DER, in hexadecimal digits
  std::vector<std::string> names;  // of subjectAltName: "DNS:a.example", "URI:…", "email:…", "IP:…"
  std::int64_t ends_unix_s = 0;    // notAfter
};

// The negotiated TLS parameters; empty strings if not available.
struct TlsInfo {
  std::string version;         // "TLSv1.3"
  std::string cipher;          // "TLS_AES_128_GCM_SHA256"
  std::string server_name;     // requested by the client (SNI)
  std::string client_subject;  // of a verified client certificate (RFC 4514)
  std::string client_name;     // its common name
  std::string protocol;        // negotiated by ALPN
  std::shared_ptr<const PeerCertificate> client_certificate = {};  // nullptr: none, or unverified
};

// A connected, ordered, bidirectional byte stream: a TCP or unix socket, TLS over one, or memory in
// a test. Belongs to one loop and is used on its thread only. Destroying it closes it immediately:
// queued bytes are dropped. Reading is off initially.
class ByteStream : public Deletable {
 public:
  // Not owned; must outlive the stream or be replaced. nullptr: events are dropped and reading
  // stops.
  virtual void SetHandler(StreamHandler* handler) = 0;

  // Turns OnBytes and OnEnd on or off, with immediate effect; cheap if nothing changes. A failed
  // connection is reported even while reading is off, as far as the system reports it.
  virtual void SetReading(bool on) = 0;

  // Sends the slices in order, in one system call if possible. Never blocks and never fails: bytes
  // that the system does not accept now are copied into the queue, and a failed connection is
  // reported to the handler later. The queue has no limit of its own; the writer must stop while
  // congested() is true. After Shutdown() or an error the bytes are dropped.
  virtual void Write(std::span<const Bytes> slices) = 0;
  void Write(std::initializer_list<Bytes> slices) {
    Write(std::span(slices.begin(), slices.size()));
  }
  void Write(Bytes bytes) { Write(std::span(&bytes, 1)); }

  // Half-closes: ends the output (close_notify, FIN) once the queue is sent. Reading continues.
  virtual void Shutdown() = 0;

  // Write and Shutdown; a TCP socket then sends the last bytes and the FIN in one packet.
  virtual void WriteLast(std::span<const Bytes> slices) {
    Write(slices);
    Shutdown();
  }

  // For a caller that has had the peer's end mark: true if the destructor sends ours, and the
  // system will deliver everything, so that the stream may be destroyed at once. False if Shutdown
  // and a wait for OnFlushed are needed: much is not delivered yet, or the transport has an end
  // mark of its own (TLS).
  virtual bool EndsOnDestruction() const { return false; }

  // Makes destruction abort the connection (RST if the transport has one) instead of closing it in
  // an orderly way, so that the peer can tell. Destroy the stream directly afterwards.
  virtual void Abort() = 0;

  virtual std::size_t queued() const = 0;
  // Queries the system. The peer may drain the system's buffer, which may hold megabytes, long
  // before our queue changes.
  virtual Delivery delivery() const = 0;
  // Memory held for the peer in both directions; charged to the loop's ledger.
  virtual std::size_t held_bytes() const { return queued(); }

  // True if input is waiting: bytes, the end of the stream, or an error. Makes a system call, so it
  // is for callers that must know before they write.
  virtual bool HasUnread() const = 0;
  bool congested() const { return queued() > kHighMark; }

  virtual SocketAddress local_address() const = 0;
  virtual SocketAddress peer_address() const = 0;
  // nullptr on a stream without TLS. Owned by the stream.
  virtual const TlsInfo* tls() const { return nullptr; }
};

}  // namespace upgate::io
