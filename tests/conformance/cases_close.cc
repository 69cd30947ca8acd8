// The closing handshake: RFC 6455, sections 5.5.1 and 7.
#include <string>

#include "tests/conformance/cases.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/utf8.h"

namespace upgate::conformance {

Case Good(std::string name, const std::string& sent) {
  return {std::move(name), sent + Close(1000), 1000};
}

Case Bad(std::string name, unsigned code, const std::string& sent) {
  return {std::move(name), sent + Ping("late"), code};
}

std::string Named(std::string_view name, unsigned long number) {
  return std::string(name) + "_" + std::to_string(number);
}

namespace {

void AppendCodes(std::vector<Case>& all) {
  for (const unsigned code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                              1014, 3000, 3001, 3999, 4000, 4001, 4998, 4999}) {
    all.push_back({Named("code", code), Close(code), code});
    all.push_back({Named("code_and_reason", code), Close(code, "because"), code});
  }
  for (const unsigned code : {0,    1,    125,  999,  1004, 1005, 1006, 1015, 1016,  1099,
                              1100, 1999, 2000, 2001, 2999, 5000, 5001, 9999, 32768, 65535}) {
    all.push_back(Bad(Named("forbidden_code", code), 1002, Close(code)));
    all.push_back(Bad(Named("forbidden_code_and_reason", code), 1002, Close(code, "because")));
  }
}

void AppendReasons(std::vector<Case>& all) {
  all.push_back({"longest_reason", Close(1000, std::string(123, 'r')), 1000});
  all.push_back({"reason_beyond_ascii", Close(1000, "\xce\xba\xe1\xbd\xb9\xf0\x9f\x98\x80"), 1000});
  all.push_back({"reason_of_non_characters", Close(1000, Utf8Of(0xffff) + Utf8Of(0x10ffff)), 1000});
  all.push_back({"reason_with_nul", Close(1000, std::string("a\0b", 3)), 1000});
  for (const unsigned length : {124u, 125u, 126u, 200u, 65534u}) {
    all.push_back(
        Bad(Named("reason_too_long", length), 1002, Close(1000, std::string(length, 'r'))));
  }
  struct {
    const char* name;
    std::string reason;
  } const wrong[] = {{"reason_with_a_lone_byte", "a\x80"},
                     {"reason_that_is_cut", "a\xe2\x82"},
                     {"reason_with_a_surrogate", "a\xed\xa0\x80"},
                     {"reason_in_a_longer_form", "a\xc0\xaf"},
                     {"reason_beyond_unicode", "a\xf4\x90\x80\x80"},
                     {"reason_with_fe_ff", "\xfe\xff"},
                     {"longest_reason_that_is_cut", std::string(122, 'r') + "\xc3"}};
  for (const auto& [name, reason] : wrong) all.push_back(Bad(name, 1007, Close(1000, reason)));
  all.push_back(Bad("forbidden_code_and_a_wrong_reason", 1002, Close(1005, "a\x80")));
}

}  // namespace

std::vector<Case> CloseCases() {
  std::vector<Case> all;
  AppendCodes(all);
  AppendReasons(all);
  all.push_back({"no_code", CloseBody(""), kNoStatus});
  for (const char byte : {'\0', '\3', '\xff'}) {
    all.push_back(Bad(Named("one_byte", static_cast<unsigned char>(byte)), 1002,
                      CloseBody(std::string(1, byte))));
  }
  all.push_back({"message_before", Text("a") + Close(1000), 1000});
  all.push_back({"ping_before", Ping("a") + Close(1000), 1000});
  const std::string closed = Close(1000);
  all.push_back({"text_behind", closed + Text("late"), 1000});
  all.push_back({"ping_behind", closed + Ping("late"), 1000});
  all.push_back({"close_behind", closed + Close(1001), 1000});
  all.push_back({"fragments_behind", closed + TextPart("a") + LastPart("b"), 1000});
  all.push_back(
      {"garbage_behind", closed + std::string("\xff\xff\xff\xff GET / HTTP/1.1\r\n\r\n"), 1000});
  all.push_back({"much_garbage_behind", closed + std::string(300'000, '\xff'), 1000});
  all.push_back(
      {"no_code_and_garbage_behind", CloseBody("") + std::string("\x7f\x00\x01", 3), kNoStatus});
  all.push_back({"much_before", Binary(std::string(256 * 1024, 'x')) + Close(1000), 1000});
  all.push_back(
      {"much_text_before", Text(std::string(256 * 1024, 'x')) + Close(1001, "going"), 1001});
  all.push_back({"rest_of_a_message_behind", TextPart("a") + closed + LastPart("b"), 1000});
  return all;
}

}  // namespace upgate::conformance
