#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/conformance/deflate.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/utf8.h"

namespace upgate::conformance {

// The rules of RFC 6455 for a server, written from the standard for this suite. It computes the
// expected result of a case, and is the strict server behind relays. It fails at the first byte
// that violates a rule.
class Reference {
 public:
  explicit Reference(std::uint64_t max_message = std::numeric_limits<std::uint64_t>::max())
      : max_message_(max_message) {}

  // From now on messages may be compressed, and all answers are. Errors in a compressed message are
  // reported at its end.
  void Compress(std::unique_ptr<Inflater> in, std::unique_ptr<Deflater> out) {
    inflater_ = std::move(in);
    deflater_ = std::move(out);
  }

  // Takes input of a client. Ignores bytes after a violation or a Close.
  void Take(std::string_view bytes);

  const std::vector<Message>& messages() const { return messages_; }  // complete ones
  const std::vector<std::string>& pings() const { return pings_; }
  const std::string& payload() const { return payload_; }  // of data frames, up to the violation
  bool closed() const { return closed_; }
  bool failed() const { return failed_; }
  unsigned close_code() const { return close_code_; }  // of the expected Close
  // The number of bytes needed to decide: the last one is the violation.
  std::size_t taken() const { return taken_; }
  // Where the invalid frame begins.
  std::size_t frame_begin() const { return frame_begin_; }

  // The frames that an echo server sends for the input since the last call.
  std::string TakeAnswers();

 private:
  void TakeHeaderByte(unsigned byte);
  void OnFirstTwo();
  void OnHeader();
  void OnPayload(std::string_view masked);
  void OnFrame();
  void OnMessage();
  bool Inflate();
  void OnClose();
  void Answer(unsigned opcode, std::string_view payload);
  void Fail(unsigned code);
  bool control() const { return opcode_ >= kClose; }

  std::uint64_t max_message_;
  std::string header_;
  std::size_t header_size_ = 2;
  bool in_payload_ = false;
  bool fin_ = false;
  unsigned opcode_ = 0;  // of the current frame
  unsigned rsv_ = 0;
  std::uint64_t left_ = 0;
  std::string mask_;
  std::size_t mask_at_ = 0;
  std::string control_;
  bool open_ = false;
  bool compressed_ = false;  // whether the open message is
  Message message_;
  Utf8Reader utf8_;
  std::unique_ptr<Inflater> inflater_;
  std::unique_ptr<Deflater> deflater_;

  std::vector<Message> messages_;
  std::vector<std::string> pings_;
  std::string payload_;
  std::string answers_;
  bool closed_ = false;
  bool failed_ = false;
  unsigned close_code_ = kNoStatus;
  std::size_t taken_ = 0;
  std::size_t frame_begin_ = 0;
};

}  // namespace upgate::conformance
