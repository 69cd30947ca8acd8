// Text must be UTF-8: RFC 6455, section 8.1, and RFC 3629. The sequences are from well-known
// decoder stress tests and the tables of the Unicode standard.
#include <string>

#include "tests/conformance/cases.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/utf8.h"

namespace upgate::conformance {
namespace {

struct Sample {
  const char* name;
  std::string text;
};

const std::string kKosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

std::vector<Sample> Valid() {
  return {
      {"empty", ""},
      {"ascii", "Hello, world"},
      {"nul", std::string(1, '\0')},
      {"kosme", kKosme},
      {"mixed", "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"},
      {"last_of_one_byte", "\x7f"},
      {"first_of_two_bytes", "\xc2\x80"},
      {"last_of_two_bytes", "\xdf\xbf"},
      {"first_of_three_bytes", "\xe0\xa0\x80"},
      {"last_of_three_bytes", "\xef\xbf\xbf"},
      {"first_of_four_bytes", "\xf0\x90\x80\x80"},
      {"last_of_four_bytes", "\xf4\x8f\xbf\xbf"},
      {"below_surrogates", "\xed\x9f\xbf"},
      {"above_surrogates", "\xee\x80\x80"},
      {"replacement_character", "\xef\xbf\xbd"},
      {"byte_order_mark", "\xef\xbb\xbfx"},
      {"private_use", "\xee\x80\x80\xef\xa3\xbf"},
      {"non_character_fffe", "\xef\xbf\xbe"},
      {"non_character_fdd0", "\xef\xb7\x90"},
      {"non_character_1fffe", "\xf0\x9f\xbf\xbe"},
      {"non_character_1ffff", "\xf0\x9f\xbf\xbf"},
      {"non_character_10fffe", "\xf4\x8f\xbf\xbe"},
      {"emoji_with_joiner", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"},
      {"combining", "e\xcc\x81\xcc\xa7"},
      {"four_bytes_thrice", "\xf0\x9f\x98\x80\xf0\x9f\x98\x81\xf0\x9f\x98\x82"},
  };
}

// NOLINTNEXTLINE(readability-function-size): a table.
std::vector<Sample> Invalid() {
  return {
      // Unexpected continuation bytes.
      {"lone_80", "\x80"},
      {"lone_bf", "\xbf"},
      {"two_lone", "\x80\xbf"},
      {"six_lone", "\x80\xbf\x80\xbf\x80\xbf"},
      {"lone_behind_ascii", "abc\x80"},
      {"lone_behind_a_character", "\xc3\xa9\xa9"},
      {"one_too_many_behind_three", "\xe2\x82\xac\x80"},
      {"one_too_many_behind_four", "\xf0\x9f\x98\x80\x80"},
      // Lead bytes without continuation.
      {"two_followed_by_ascii", "\xc3 "},
      {"three_followed_by_ascii", "\xe2 "},
      {"three_followed_by_one_and_ascii", "\xe2\x82 "},
      {"four_followed_by_ascii", "\xf0 "},
      {"four_followed_by_one_and_ascii", "\xf0\x9f "},
      {"four_followed_by_two_and_ascii", "\xf0\x9f\x98 "},
      {"two_followed_by_two", "\xc3\xc3\xa9"},
      {"three_followed_by_two", "\xe2\x82\xc3\xa9"},
      {"four_followed_by_four", "\xf0\x9f\x98\xf0\x9f\x98\x80"},
      // Messages that end inside a character.
      {"cut_two", "\xc3"},
      {"cut_three_at_one", "\xe2"},
      {"cut_three_at_two", "\xe2\x82"},
      {"cut_four_at_one", "\xf0"},
      {"cut_four_at_two", "\xf0\x9f"},
      {"cut_four_at_three", "\xf0\x9f\x98"},
      {"cut_behind_text", kKosme + "\xce"},
      {"cut_highest", "\xf4\x8f\xbf"},
      // Bytes that are never valid.
      {"byte_c0", "\xc0"},
      {"byte_c1", "\xc1"},
      {"byte_f5", "\xf5"},
      {"byte_f8", "\xf8"},
      {"byte_fc", "\xfc"},
      {"byte_fe", "\xfe"},
      {"byte_ff", "\xff"},
      {"fe_fe_ff_ff", "\xfe\xfe\xff\xff"},
      {"five_bytes", "\xf8\x88\x80\x80\x80"},
      {"six_bytes", "\xfc\x84\x80\x80\x80\x80"},
      {"five_bytes_most", "\xfb\xbf\xbf\xbf\xbf"},
      {"six_bytes_most", "\xfd\xbf\xbf\xbf\xbf\xbf"},
      // Overlong forms.
      {"slash_in_two", "\xc0\xaf"},
      {"slash_in_three", "\xe0\x80\xaf"},
      {"slash_in_four", "\xf0\x80\x80\xaf"},
      {"slash_in_five", "\xf8\x80\x80\x80\xaf"},
      {"slash_in_six", "\xfc\x80\x80\x80\x80\xaf"},
      {"most_in_two", "\xc1\xbf"},
      {"most_in_three", "\xe0\x9f\xbf"},
      {"most_in_four", "\xf0\x8f\xbf\xbf"},
      {"nul_in_two", "\xc0\x80"},
      {"nul_in_three", "\xe0\x80\x80"},
      {"nul_in_four", "\xf0\x80\x80\x80"},
      // Surrogates.
      {"surrogate_d800", "\xed\xa0\x80"},
      {"surrogate_db7f", "\xed\xad\xbf"},
      {"surrogate_db80", "\xed\xae\x80"},
      {"surrogate_dbff", "\xed\xaf\xbf"},
      {"surrogate_dc00", "\xed\xb0\x80"},
      {"surrogate_df80", "\xed\xbe\x80"},
      {"surrogate_dfff", "\xed\xbf\xbf"},
      {"surrogate_pair_low", "\xed\xa0\x80\xed\xb0\x80"},
      {"surrogate_pair_middle", "\xed\xad\xbf\xed\xbf\xbf"},
      {"surrogate_pair_high", "\xed\xaf\xbf\xed\xbf\xbf"},
      {"surrogate_in_text", kKosme + "\xed\xa0\x80" + "edited"},
      // Beyond U+10FFFF.
      {"beyond_110000", "\xf4\x90\x80\x80"},
      {"beyond_13ffff", "\xf4\xbf\xbf\xbf"},
      {"beyond_140000", "\xf5\x80\x80\x80"},
      {"beyond_1fffff", "\xf7\xbf\xbf\xbf"},
      {"beyond_in_text", kKosme + "\xf4\x90\x80\x80" + "edited"},
      // Other encodings.
      {"latin1", "caf\xe9!"},
      {"utf16", std::string("\xff\xfe"
                            "a\0b\0",
                            6)},
      // Positions that code processing many bytes at once could miss.
      {"lone_at_16", std::string(16, 'a') + "\x80" + std::string(15, 'a')},
      {"lone_at_31", std::string(31, 'a') + "\x80"},
      {"lone_at_64", std::string(64, 'a') + "\xbf" + std::string(64, 'a')},
      {"cut_at_31", std::string(31, 'a') + "\xc3"},
      {"cut_at_63", std::string(63, 'a') + "\xf0"},
      {"surrogate_over_32", std::string(31, 'a') + "\xed\xa0\x80" + std::string(30, 'a')},
      {"longer_form_over_64", std::string(63, 'a') + "\xe0\x80\x80" + std::string(30, 'a')},
      {"beyond_over_16", std::string(14, 'a') + "\xf4\x90\x80\x80" + std::string(30, 'a')},
  };
}

}  // namespace

std::vector<Case> Utf8Cases() {
  std::vector<Case> all;
  for (const auto& [name, text] : Valid()) {
    all.push_back(Good(name, Text(text)));
    all.push_back(Good(std::string(name) + "_a_byte_a_fragment", Fragments(kText, text, 1)));
    all.push_back(Good(std::string(name) + "_with_a_ping_in_each_character", [&] {
      std::string sent = TextPart("");
      for (const char c : text) sent += Part(std::string(1, c)) + Ping("p");
      return sent + LastPart("");
    }()));
  }
  for (const auto& [name, text] : Invalid()) {
    all.push_back(Bad(name, 1007, Text(text)));
    all.push_back(Bad(std::string(name) + "_a_byte_a_fragment", 1007, Fragments(kText, text, 1)));
    all.push_back(Bad(std::string(name) + "_behind_a_message", 1007, Text(kKosme) + Text(text)));
    all.push_back(Good(std::string(name) + "_as_binary", Binary(text)));
  }
  all.push_back(
      Bad("cut_by_the_next_message", 1007, TextPart("\xe2\x82") + LastPart("") + Text("\xac")));
  all.push_back(Bad("mended_too_late", 1007, Text("\xe2\x82") + Text("\xac")));
  all.push_back(Good("close_inside_a_character", TextPart("\xe2\x82")));
  all.push_back(
      Good("binary_inside_of_nothing", BinaryPart("\xe2") + LastPart("\x82") + Text("fine")));
  return all;
}

}  // namespace upgate::conformance
