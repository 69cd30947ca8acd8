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

// Most that a peer may send before the handshake is over: room for the longest honest certificate
// chains.
inline constexpr std::size_t kMaxHandshakeBytes = 128 * 1024;

// Records in a row that may bring no data once the handshake is over: session tickets, key updates,
// empty records, attempts to renegotiate. Each costs more to take than to send.
inline constexpr std::uint32_t kMaxQuietRecords = 32;

// TLS without I/O: ciphertext in, plaintext out, and the records that are to be sent appended to
// Scratch::Buffers::records, from where the caller takes them after every call. Only whole records
// are given to OpenSSL, straight from the bytes fed; what is left of an unfinished one is the only
// thing kept between calls, so that an idle engine owns nothing but the SSL object. Not
// thread-safe. RFC 8446, RFC 5246. A client that speaks plain HTTP to us is refused in plain HTTP.
//
// Feed, then Advance until it is starved (or the caller has had enough), then Keep.
class Engine {
 public:
  enum class Progress : std::uint8_t {
    kStarved,      // needs more ciphertext
    kEstablished,  // the handshake is done; told once
    kData,         // `size` bytes of plaintext
    kEnd,          // close_notify; told every time from here on
    kFailed,       // see failure(); told every time from here on
  };
  struct Step {
    Progress progress = Progress::kStarved;
    std::size_t size = 0;
  };

  // `ssl` is set to be server or client already. A null one is an engine that has failed with
  // kLimit.
  Engine(SslPtr ssl, Scratch::Buffers& buffers);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // More ciphertext behind what is kept; a view until Keep.
  void Feed(Bytes input) { input_ = input; }
  // The handshake's next step, or as much plaintext as there is and fits. `room` holds
  // kMaxPlaintext at least.
  Step Advance(MutableBytes room);
  // Copies what was fed and not consumed.
  void Keep();
  // Whether Advance would do something without being fed.
  bool HasMore() const { return failure_ || ended_ || RecordReady(); }
  // Whether anything was fed that Advance has not taken, be it part of a record.
  bool HasInput() const { return failure_ || ended_ || record_left_ > 0 || available() > 0; }

  // What Keep has copied, and room for it.
  std::size_t kept_bytes() const { return io::HeapBytes(tail_); }

  bool established() const { return established_; }
  // Not so in the handshake, nor in the midst of a handshake message that the peer sends after it.
  bool writable() const;
  // Makes records of the slices, full ones where there is enough; only when writable().
  void Write(std::span<const Bytes> slices);
  // Sends close_notify; only when writable().
  void Close();

  const Error* failure() const { return failure_.get(); }
  // Fails for a reason that OpenSSL does not know. The first failure stays.
  void Fail(Error error);
  // The same for something that the peer did, which OpenSSL may be about to report in its own
  // words.
  void Refuse(std::string reason);

  // What was agreed on; only when established().
  io::TlsInfo Info() const;

  // For the BIO and OpenSSL's callbacks: the engine that called into OpenSSL.
  static Engine* AtWork(BIO* bio);
  int ReadRecordBytes(char* out, int size);
  void AppendRecordBytes(const char* bytes, int size);

 private:
  // Before every call into OpenSSL that may use the BIO.
  void GoToWork();
  Step Shake();
  Step Read(MutableBytes room);
  void Encrypt(Bytes plaintext);
  void ReleaseBuffers();
  void FailFromQueue();
  std::size_t available() const { return tail_.size() - tail_start_ + input_.size(); }
  // The first bytes of what is there; what is missing is as an honest record would have it.
  std::array<std::uint8_t, 5> FrontHeader() const;
  // The size of the record at the front, or 0 while it is incomplete.
  std::size_t NextRecordSize() const;
  bool RecordReady() const { return record_left_ > 0 || NextRecordSize() > 0; }
  bool AdmitRecord();

  SslPtr ssl_;
  Scratch::Buffers& buffers_;
  std::unique_ptr<Error> failure_;
  std::string tail_;  // ciphertext kept from earlier calls, consumed from tail_start_ on
  Bytes input_;
  std::uint32_t tail_start_ = 0;
  std::uint32_t record_left_ = 0;  // of the record that OpenSSL is reading
  std::uint32_t admitted_ = 0;     // bytes in the handshake, then records since the last data
  bool established_ = false;
  bool settled_ = false;  // nothing is left inside OpenSSL of the record that ended the handshake
  bool ended_ = false;
  bool raw_ =
      false;  // no TLS: everything goes to OpenSSL as it comes, which knows how to refuse it
};

}  // namespace upgate::tls
