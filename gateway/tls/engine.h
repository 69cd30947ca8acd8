#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gateway/base/bytes.h"
#include "gateway/base/result.h"
#include "gateway/io/memory.h"
#include "gateway/io/stream.h"
#include "gateway/tls/openssl.h"
#include "gateway/tls/scratch.h"

namespace upgate::tls {

// Maximum bytes that a peer may send during the handshake: room for the longest legitimate
// certificate chains.
inline constexpr std::size_t kMaxHandshakeBytes = 128 * 1024;

// Maximum number of consecutive records without data after the handshake: session tickets, key
// updates, empty records, renegotiation attempts. Each costs more to process than to send.
inline constexpr std::uint32_t kMaxQuietRecords = 32;

// TLS without I/O: ciphertext in, plaintext out, and records to be sent are appended to
// Scratch::Buffers::records, which the caller empties after every call. Only complete records are
// passed to OpenSSL, directly from the input; only an incomplete record is kept between calls, so
// an idle engine owns nothing but the SSL object. Not thread-safe. RFC 8446, RFC 5246. Clients that
// send plain HTTP get a plain HTTP error response.
//
// Call Feed, then Advance until kStarved (or until the caller stops), then Keep.
class Engine {
 public:
  enum class Progress : std::uint8_t {
    kStarved,      // needs more ciphertext
    kEstablished,  // the handshake is complete; reported once
    kData,         // `size` bytes of plaintext
    kEnd,          // close_notify; reported on every call from then on
    kFailed,       // see failure(); reported on every call from then on
  };
  struct Step {
    Progress progress = Progress::kStarved;
    std::size_t size = 0;
  };

  // `ssl` must be in server or client mode already. If it is null, the engine has failed with
  // kLimit.
  Engine(SslPtr ssl, Scratch::Buffers& buffers);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Sets more ciphertext, to follow what is kept; a view until Keep.
  void Feed(Bytes input) { input_ = input; }
  // Performs the next step of the handshake, or decrypts as much data as available and fits. `room`
  // must have at least kMaxPlaintext bytes.
  Step Advance(MutableBytes room);
  // Copies input that was fed and not consumed.
  void Keep();
  // True if Advance would make progress without Feed.
  bool HasMore() const { return failure_ || ended_ || RecordReady(); }
  // True if any input has not been consumed by Advance, including a partial record.
  bool HasInput() const { return failure_ || ended_ || record_left_ > 0 || available() > 0; }

  // Heap bytes of the input kept by Keep.
  std::size_t kept_bytes() const { return io::HeapBytes(tail_); }

  bool established() const { return established_; }
  // False during the handshake, and while a post-handshake message from the peer is incomplete.
  bool writable() const;
  // Encrypts the slices into records, full ones if there is enough data; only while writable().
  void Write(std::span<const Bytes> slices);
  // Sends close_notify; only while writable().
  void Close();

  const Error* failure() const { return failure_.get(); }
  // Fails for a reason outside of OpenSSL. The first failure is kept.
  void Fail(Error error);
  // The same for an error by the peer that OpenSSL may also be about to report in its own words.
  void Refuse(std::string reason);

  // The negotiated parameters; only once established().
  io::TlsInfo Info() const;

  // For the BIO and OpenSSL's callbacks: the engine that called OpenSSL.
  static Engine* BoundBio(BIO* bio);
  int ReadRecordBytes(char* out, int size);
  void AppendRecordBytes(const char* bytes, int size);

 private:
  // Must be called before every OpenSSL call that may use the BIO.
  void BindBio();
  Step Handshake();
  Step Read(MutableBytes room);
  void Encrypt(Bytes plaintext);
  void ReleaseBuffers();
  void FailFromQueue();
  std::size_t available() const { return tail_.size() - tail_start_ + input_.size(); }
  // The first bytes of the input; missing bytes are filled with valid values.
  std::array<std::uint8_t, 5> FrontHeader() const;
  // The size of the next record, or 0 while it is incomplete.
  std::size_t NextRecordSize() const;
  bool RecordReady() const { return record_left_ > 0 || NextRecordSize() > 0; }
  bool AdmitRecord();

  SslPtr ssl_;
  Scratch::Buffers& buffers_;
  std::unique_ptr<Error> failure_;
  std::string tail_;  // ciphertext kept from earlier calls, starting at tail_start_
  Bytes input_;
  std::uint32_t tail_start_ = 0;
  std::uint32_t record_left_ = 0;  // left of the record that OpenSSL is reading
  std::uint32_t admitted_ = 0;     // bytes during the handshake, then records since the last data
  bool established_ = false;
  bool settled_ = false;  // OpenSSL holds no more data of the record that ended the handshake
  bool ended_ = false;
  // Not TLS: everything is passed on to OpenSSL, which then rejects it.
  bool raw_ = false;
};

}  // namespace upgate::tls
