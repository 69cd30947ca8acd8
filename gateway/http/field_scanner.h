#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "gateway/http/refusal.h"

namespace upgate::http {

// Finds the end of a request or response head, or of a trailer section, and checks on the way what
// a lenient parser lets pass and smuggling is made of: bare CR or LF, NUL and other controls, line
// folding, space before the colon, empty names (RFC 9112, sections 2.2 and 5), sizes and counts. No
// I/O, no copies; keeps a few integers between calls. After a refusal the scanner is dead until
// Reset.
class FieldScanner {
 public:
  enum class Section : std::uint8_t { kRequestHead, kResponseHead, kTrailers };
  struct Limits {
    std::size_t bytes;   // of the section, with its line ends
    std::size_t fields;  // lines of fields
  };

  explicit FieldScanner(Limits limits) : limits_(limits) {}
  void Reset(Section section);

  // Reads from the front of `input` and returns how much of it belongs to the section: all, unless
  // done().
  std::expected<std::size_t, Refusal> Scan(std::string_view input);
  bool done() const { return state_ == State::kDone; }
  // Some bytes were read, but not all.
  bool begun() const { return bytes_ > 0 && !done(); }
  // Lines of fields so far.
  std::size_t fields() const { return fields_; }

 private:
  enum class State : std::uint8_t {
    kBeforeRequest,  // empty lines may stand here (RFC 9112, section 2.2)
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
  // Takes what stands at the front in the way it mostly does; how much. The rest is for Take.
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
  // What is read, in words.
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
