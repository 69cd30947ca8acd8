#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "gateway/http/refusal.h"

namespace upgate::http {

// Finds the end of a request head, response head or trailer section, and rejects what lenient
// parsers accept and request smuggling relies on: bare CR or LF, NUL and other control characters,
// line folding, space before the colon, empty names (RFC 9112, sections 2.2 and 5). Also enforces
// size and count limits. No I/O, no copies; keeps a few integers between calls. After a refusal the
// scanner must not be used until Reset.
class FieldScanner {
 public:
  enum class Section : std::uint8_t { kRequestHead, kResponseHead, kTrailers };
  struct Limits {
    std::size_t bytes;   // of the section, including line ends
    std::size_t fields;  // number of field lines
  };

  explicit FieldScanner(Limits limits) : limits_(limits) {}
  void Reset(Section section);

  // Reads from the front of `input` and returns how many bytes belong to the section: all of them,
  // unless done().
  std::expected<std::size_t, Refusal> Scan(std::string_view input);
  bool done() const { return state_ == State::kDone; }
  // True if part of the section has been read.
  bool begun() const { return bytes_ > 0 && !done(); }
  // Number of field lines so far.
  std::size_t fields() const { return fields_; }

 private:
  enum class State : std::uint8_t {
    kBeforeRequest,  // may be preceded by empty lines (RFC 9112, section 2.2)
    kEmptyLineLf,
    kRequestLine,
    kBeforeStatus,
    kStatusLine,
    kLineStart,
    kName,
    kValue,
    kLf,
    kFinalLf,
    kDone,
  };
  // Fast path: consumes a well-formed prefix of `text` and returns its size. Take handles the rest.
  std::size_t TakeUsual(std::string_view text);
  std::expected<void, Refusal> Take(char c);
  std::expected<void, Refusal> TakeFirst(char c);
  std::expected<void, Refusal> TakeRequestLine(char c);
  std::expected<void, Refusal> TakeStatus(char c);
  std::expected<void, Refusal> TakeLineStart(char c);
  std::expected<void, Refusal> TakeName(char c);
  std::expected<void, Refusal> TakeText(char c, std::string_view where);
  std::expected<void, Refusal> TakeLf(char c, State next);
  std::unexpected<Refusal> BadControl(char c, std::string_view where) const;
  // What is being read, for messages.
  std::string_view noun() const;
  Refusal TooLarge() const;

  Limits limits_;
  Section section_ = Section::kRequestHead;
  State state_ = State::kBeforeRequest;
  std::uint8_t empty_lines_ = 0;
  bool in_request_line_ = true;
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
};

}  // namespace upgate::http
