#include "gateway/tls/engine.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include <openssl/err.h>

#include "gateway/base/proxy_header.h"
#include "gateway/tls/failure.h"
#include "gateway/tls/peer_certificate.h"

namespace upgate::tls {
namespace {

constexpr std::size_t kHeaderSize = 5;
// Maximum fragment size of any version (RFC 5246, section 6.2.3). OpenSSL checks the exact limit.
constexpr std::size_t kMaxFragment = kMaxPlaintext + 2048;

// For users, who see it in their browser or terminal.
constexpr std::string_view kPlainHttpAnswer =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 63\r\n"
    "Connection: close\r\n"
    "\r\n"
    "Plain HTTP was sent to a TLS port: the URL needs https or wss.\n";

std::size_t FragmentSize(const std::array<std::uint8_t, kHeaderSize>& header) {
  return static_cast<std::size_t>(header[3] << 8 | header[4]);
}

bool LooksLikeRecord(const std::array<std::uint8_t, kHeaderSize>& header) {
  return header[0] >= 20 && header[0] <= 23 && header[1] == 3 &&
         FragmentSize(header) <= kMaxFragment;
}

int BioRead(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  Engine& engine = *Engine::BoundBio(bio);
  const int got = engine.ReadRecordBytes(out, size);
  if (got < 0 && engine.failure() == nullptr) BIO_set_retry_read(bio);
  return got;
}

int BioWrite(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  Engine::BoundBio(bio)->AppendRecordBytes(bytes, size);
  return size;
}

long BioControl(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int BioCreate(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

// OpenSSL needs one method table for all BIOs of a type, which must outlive them.
const BIO_METHOD* RecordMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "records");
    if (made == nullptr) return made;
    BIO_meth_set_read(made, BioRead);
    BIO_meth_set_write(made, BioWrite);
    BIO_meth_set_ctrl(made, BioControl);
    BIO_meth_set_create(made, BioCreate);
    return made;
  }();
  return method;
}

// Wipes and frees a key of the key exchange. OpenSSL would keep it for the life of the connection
// without using it again; this leaves it an empty object to free.
void Empty(EVP_PKEY* key) {
  const PkeyPtr owned(key);
  EVP_PKEY_set_type(key, EVP_PKEY_get_base_id(key));
}

void ForgetKeyExchange(SSL* ssl) {
  EVP_PKEY* key = nullptr;
  if (SSL_get_tmp_key(ssl, &key) == 1) Empty(key);
  if (SSL_get_peer_tmp_key(ssl, &key) == 1) Empty(key);
}

}  // namespace

BioPtr MakeRecordBio() {
  const BIO_METHOD* method = RecordMethod();
  return BioPtr(method != nullptr ? BIO_new(method) : nullptr);
}

Engine::Engine(SslPtr ssl, Scratch::Buffers& buffers) : ssl_(std::move(ssl)), buffers_(buffers) {
  BIO* bio = buffers_.bio.get();
  if (!ssl_ || bio == nullptr || BIO_up_ref(bio) != 1) {
    failure_ = std::make_unique<Error>(Error{Errc::kLimit, "out of memory for a TLS connection"});
    return;
  }
  SSL_set_bio(ssl_.get(), bio, bio);
}

Engine* Engine::BoundBio(BIO* bio) {
  return static_cast<Engine*>(BIO_get_data(bio));
}

void Engine::BindBio() {
  BIO_set_data(buffers_.bio.get(), this);
  ERR_clear_error();
}

Engine::Step Engine::Advance(MutableBytes room) {
  if (failure_) return {Progress::kFailed};
  if (ended_) return {Progress::kEnd};
  return established_ ? Read(room) : Handshake();
}

Engine::Step Engine::Handshake() {
  BindBio();
  const std::size_t start = tail_start_;  // handshakes go on with what was kept
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    established_ = true;
    admitted_ = 0;
    SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
    ForgetKeyExchange(ssl_.get());
    return {Progress::kEstablished};
  }
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return {Progress::kStarved};
  FailFromQueue();
  if (failure_->tls_fault == TlsFault::kNotTls && SSL_is_server(ssl_.get()) &&
      LooksLikeProxyHeader(std::string_view(tail_).substr(start)))
    failure_->message = kUnexpectedProxyHeader;
  return {Progress::kFailed};
}

Engine::Step Engine::Read(MutableBytes room) {
  std::size_t size = 0;
  while (!failure_ && !ended_ && room.size() - size >= kMaxPlaintext &&
         (RecordReady() || !settled_)) {
    BindBio();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), room.data() + size, room.size() - size, &got);
    if (result == 1) {
      size += got;
      admitted_ = 0;
      continue;
    }
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        settled_ = true;
        break;
      case SSL_ERROR_ZERO_RETURN:
        ended_ = true;
        break;
      default:
        FailFromQueue();
        break;
    }
  }
  ReleaseBuffers();
  if (size > 0) return {Progress::kData, size};
  if (failure_) return {Progress::kFailed};
  return {ended_ ? Progress::kEnd : Progress::kStarved};
}

void Engine::Keep() {
  if (available() == 0) {
    std::string().swap(tail_);  // assigning would keep the memory
  } else {
    tail_.erase(0, tail_start_);
    Append(tail_, input_);
  }
  tail_start_ = 0;
  input_ = {};
}

bool Engine::writable() const {
  return established_ && !failure_ && !SSL_in_init(ssl_.get());
}

void Engine::Write(std::span<const Bytes> slices) {
  std::array<std::byte, kMaxPlaintext>& stage = buffers_.stage;
  std::size_t staged = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    Bytes rest = slices[i];
    const bool last = i + 1 == slices.size();
    while (!rest.empty()) {
      if (staged == 0 && (last || rest.size() >= stage.size())) {  // nothing to join
        const Bytes record = rest.first(std::min(rest.size(), stage.size()));
        Encrypt(record);
        rest = rest.subspan(record.size());
        continue;
      }
      const Bytes part = rest.first(std::min(rest.size(), stage.size() - staged));
      std::memcpy(stage.data() + staged, part.data(), part.size());
      staged += part.size();
      rest = rest.subspan(part.size());
      if (staged == stage.size()) Encrypt(Bytes(stage).first(std::exchange(staged, 0)));
    }
  }
  if (staged > 0) Encrypt(Bytes(stage).first(staged));
  ReleaseBuffers();
}

// With SSL_MODE_RELEASE_BUFFERS OpenSSL frees its buffers itself, but after every record, and not
// after tickets and key updates. Its read buffer must be empty, which it is, because Read consumes
// whole records once the data that came with the handshake has been read.
void Engine::ReleaseBuffers() {
  if (settled_ && !failure_) SSL_free_buffers(ssl_.get());
}

void Engine::Encrypt(Bytes plaintext) {
  while (!plaintext.empty() && !failure_) {
    BindBio();
    std::size_t taken = 0;
    if (SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &taken) != 1)
      return FailFromQueue();
    plaintext = plaintext.subspan(taken);
  }
}

void Engine::Close() {
  BindBio();
  if (SSL_shutdown(ssl_.get()) < 0) FailFromQueue();
  ReleaseBuffers();
}

void Engine::Fail(Error error) {
  if (!failure_) failure_ = std::make_unique<Error>(std::move(error));
}

void Engine::Refuse(std::string reason) {
  Fail({established_ ? Errc::kProtocol : Errc::kTls, std::move(reason), TlsFault::kCertificate});
}

void Engine::FailFromQueue() {
  // OpenSSL sends no alert in this case.
  if (SSL_is_server(ssl_.get()) && IsPlainHttp()) {
    AppendRecordBytes(kPlainHttpAnswer.data(), static_cast<int>(kPlainHttpAnswer.size()));
  }
  Fail(TakeFailure(established_));
}

io::TlsInfo Engine::Info() const {
  io::TlsInfo info{
      SSL_get_version(ssl_.get()), SSL_get_cipher_name(ssl_.get()), {}, {}, {}, {}, {}};
  const unsigned char* protocol = nullptr;
  unsigned int protocol_size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &protocol, &protocol_size);
  info.protocol.assign(reinterpret_cast<const char*>(protocol), protocol_size);
  if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name))
    info.server_name = name;
  if (SSL_is_server(ssl_.get()) && SSL_get_verify_result(ssl_.get()) == X509_V_OK) {
    if (X509* peer = SSL_get0_peer_certificate(ssl_.get())) {
      info.client_subject = SubjectOf(*peer);
      info.client_name = CommonNameOf(*peer);
      info.client_certificate = ReadPeerCertificate(*peer);
    }
  }
  return info;
}

std::array<std::uint8_t, 5> Engine::FrontHeader() const {
  std::array<std::uint8_t, kHeaderSize> header{22, 3, 0, 0, 0};
  const std::size_t from_tail = std::min(tail_.size() - tail_start_, header.size());
  const std::size_t from_input = std::min(input_.size(), header.size() - from_tail);
  std::memcpy(header.data(), tail_.data() + tail_start_, from_tail);
  if (from_input > 0) std::memcpy(header.data() + from_tail, input_.data(), from_input);
  return header;
}

std::size_t Engine::NextRecordSize() const {
  const std::size_t ready = available();
  if (ready == 0) return 0;
  const auto header = FrontHeader();
  if (raw_ || !LooksLikeRecord(header)) return ready;
  const std::size_t size = kHeaderSize + FragmentSize(header);
  return ready >= kHeaderSize && ready >= size ? size : 0;
}

// Accounts for the next record before OpenSSL reads any of it; false if there is none or if it
// exceeds a limit.
bool Engine::AdmitRecord() {
  const std::size_t size = NextRecordSize();
  if (size == 0) return false;
  raw_ = raw_ || !LooksLikeRecord(FrontHeader());
  record_left_ = static_cast<std::uint32_t>(size);
  if (!established_) {
    admitted_ += record_left_;
    if (admitted_ > kMaxHandshakeBytes) Refuse("the handshake is too large");
  } else if (admitted_++ > kMaxQuietRecords) {
    Refuse("too many records without data");
  }
  return !failure_;
}

int Engine::ReadRecordBytes(char* out, int size) {
  if (failure_ || (record_left_ == 0 && !AdmitRecord())) return -1;
  const std::size_t wanted = std::min<std::size_t>(static_cast<std::size_t>(size), record_left_);
  const std::size_t from_tail = std::min(wanted, tail_.size() - tail_start_);
  const std::size_t from_input = wanted - from_tail;
  std::memcpy(out, tail_.data() + tail_start_, from_tail);
  if (from_input > 0) std::memcpy(out + from_tail, input_.data(), from_input);
  tail_start_ += static_cast<std::uint32_t>(from_tail);
  input_ = input_.subspan(from_input);
  record_left_ -= static_cast<std::uint32_t>(wanted);
  return static_cast<int>(wanted);
}

void Engine::AppendRecordBytes(const char* bytes, int size) {
  const Bytes record = AsBytes({bytes, static_cast<std::size_t>(size)});
  buffers_.records.insert(buffers_.records.end(), record.begin(), record.end());
}

}  // namespace upgate::tls
