// Framing, reserved bits and opcodes, pings, fragments, and the limit of a message's size: RFC
// 6455, section 5.
#include <string>
#include <utility>

#include "tests/conformance/cases.h"
#include "tests/conformance/frames.h"

namespace upgate::conformance {
namespace {

Frame Of(unsigned opcode, std::string payload = "") {
  Frame frame;
  frame.opcode = opcode;
  frame.payload = std::move(payload);
  return frame;
}

// A valid frame with one change.
template <class Change>
std::string Changed(unsigned opcode, std::string payload, Change&& change) {
  Frame frame = Of(opcode, std::move(payload));
  change(frame);
  return Encode(frame);
}

std::string Masked(std::uint32_t mask, unsigned opcode, std::string payload) {
  return Changed(opcode, std::move(payload), [&](Frame& f) { f.mask = mask; });
}

std::string Unmasked(unsigned opcode, std::string payload) {
  return Changed(opcode, std::move(payload), [](Frame& f) { f.masked = false; });
}

std::string InForm(LengthForm form, unsigned opcode, std::string payload) {
  return Changed(opcode, std::move(payload), [&](Frame& f) { f.form = form; });
}

std::string Unfinished(unsigned opcode, std::string payload) {
  return Changed(opcode, std::move(payload), [](Frame& f) { f.fin = false; });
}

std::string Repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

constexpr std::pair<unsigned, const char*> kOpcodes[] = {
    {kText, "text"}, {kBinary, "binary"}, {kPing, "ping"}, {kPong, "pong"}, {kClose, "close"}};

// A payload that is valid for any opcode: the code 1000 of a Close.
const char* const kAnyPayload = "\x03\xe8";
std::string PayloadFor(unsigned opcode) {
  return opcode == kClose ? kAnyPayload : "ab";
}

void AppendLengths(std::vector<Case>& all) {
  for (const std::size_t size :
       {0, 1, 2, 3, 4, 5, 7, 8, 16, 125, 126, 127, 128, 129, 255, 256, 65535, 65536}) {
    all.push_back(Good(Named("text_of", size), Text(std::string(size, '*'))));
    all.push_back(Good(Named("binary_of", size), Binary(std::string(size, '\xfe'))));
  }
  using enum LengthForm;
  for (const std::size_t size : {0, 1, 125}) {
    all.push_back(Bad(Named("text_length_in_two_bytes", size), 1002,
                      InForm(kTwoBytes, kText, std::string(size, '*'))));
    all.push_back(Bad(Named("binary_length_in_two_bytes", size), 1002,
                      InForm(kTwoBytes, kBinary, std::string(size, '*'))));
    all.push_back(Bad(Named("ping_length_in_two_bytes", size), 1002,
                      InForm(kTwoBytes, kPing, std::string(size, '*'))));
  }
  for (const std::size_t size : {0, 1, 125, 126, 127, 255, 65535}) {
    all.push_back(Bad(Named("text_length_in_eight_bytes", size), 1002,
                      InForm(kEightBytes, kText, std::string(size, '*'))));
    all.push_back(Bad(Named("binary_length_in_eight_bytes", size), 1002,
                      InForm(kEightBytes, kBinary, std::string(size, '*'))));
  }
  all.push_back(Bad("close_length_in_eight_bytes", 1002, InForm(kEightBytes, kClose, kAnyPayload)));
  all.push_back(Bad("fragment_length_in_two_bytes", 1002,
                    TextPart("a") + InForm(kTwoBytes, kContinuation, "b")));
  for (const std::uint64_t length :
       {std::uint64_t{1} << 63, ~std::uint64_t{0}, (std::uint64_t{1} << 63) + 5}) {
    all.push_back(Bad(Named("length_with_top_bit", length), 1002,
                      EncodeHeader(Of(kBinary), length) + "data"));
  }
}

}  // namespace

std::vector<Case> FramingCases() {
  std::vector<Case> all;
  AppendLengths(all);
  for (const std::uint32_t mask :
       {0u, 0xffffffffu, 0x01020304u, 0x00ff00ffu, 0x80000000u, 0x00000001u}) {
    all.push_back(Good(Named("mask", mask), Masked(mask, kText, "masked with care") +
                                                Masked(mask, kBinary, std::string("\0\xff\0", 3))));
  }
  all.push_back(
      Good("masks_of_their_own",
           Masked(1, kText, "one") + Masked(0xabcdef01, kText, "two") + Masked(0, kPing, "three")));
  for (const auto& [opcode, name] : kOpcodes) {
    all.push_back(Bad(std::string("unmasked_") + name, 1002, Unmasked(opcode, PayloadFor(opcode))));
    all.push_back(Bad(std::string("unmasked_empty_") + name, 1002, Unmasked(opcode, "")));
    all.push_back(Bad(std::string("unmasked_behind_a_message_") + name, 1002,
                      Text("fine") + Unmasked(opcode, PayloadFor(opcode))));
  }
  all.push_back(Bad("unmasked_fragment", 1002, TextPart("a") + Unmasked(kContinuation, "b")));
  all.push_back(Bad("unmasked_long_text", 1002, Unmasked(kText, std::string(300, '*'))));
  all.push_back(Good("nothing_but_a_close", ""));
  all.push_back(
      Good("messages_in_a_row", Text("a") + Binary("b") + Text("") + Binary("") + Text("c")));
  all.push_back(Good("binary_with_every_byte", [] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    return Binary(bytes);
  }()));
  return all;
}

std::vector<Case> ReservedBitCases() {
  std::vector<Case> all;
  for (unsigned rsv = 1; rsv < 8; ++rsv) {
    const auto with_bits = [&](unsigned opcode, std::string payload) {
      return Changed(opcode, std::move(payload), [&](Frame& f) { f.rsv = rsv; });
    };
    for (const auto& [opcode, name] : kOpcodes) {
      all.push_back(Bad(std::string(name) + Named("_with", rsv), 1002,
                        with_bits(opcode, PayloadFor(opcode))));
    }
    all.push_back(Bad(Named("empty_text_with", rsv), 1002, with_bits(kText, "")));
    all.push_back(
        Bad(Named("fragment_with", rsv), 1002, TextPart("a") + with_bits(kContinuation, "b")));
    all.push_back(Bad(Named("second_message_with", rsv), 1002,
                      Text("fine") + with_bits(kText, "not so fine")));
    all.push_back(
        Bad(Named("ping_behind_a_message_with", rsv), 1002, Text("fine") + with_bits(kPing, "")));
  }
  return all;
}

std::vector<Case> OpcodeCases() {
  std::vector<Case> all;
  for (const unsigned opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
    all.push_back(Bad(Named("empty", opcode), 1002, Encode(Of(opcode))));
    all.push_back(Bad(Named("with_payload", opcode), 1002, Encode(Of(opcode, "payload"))));
    all.push_back(Bad(Named("unfinished", opcode), 1002, Unfinished(opcode, "a")));
    all.push_back(
        Bad(Named("behind_a_message", opcode), 1002, Text("fine") + Encode(Of(opcode, "a"))));
    all.push_back(Bad(Named("between_fragments", opcode), 1002,
                      TextPart("a") + Encode(Of(opcode, "b")) + LastPart("c")));
  }
  return all;
}

std::vector<Case> PingCases() {
  std::vector<Case> all;
  for (const std::size_t size : {0, 1, 4, 5, 124, 125}) {
    all.push_back(Good(Named("ping_of", size), Ping(std::string(size, 'p'))));
    all.push_back(Good(Named("pong_of", size), Pong(std::string(size, 'p'))));
  }
  for (const std::size_t size : {126, 127, 65535, 65536}) {
    all.push_back(Bad(Named("ping_of", size), 1002, Ping(std::string(size, 'p'))));
    all.push_back(Bad(Named("pong_of", size), 1002, Pong(std::string(size, 'p'))));
  }
  all.push_back(Good("ping_of_bytes", Ping(std::string("\0\xff\xfe\xfd\xc0\x80", 6))));
  all.push_back(Good("pings_in_order", [] {
    std::string pings;
    for (int i = 0; i < 10; ++i) pings += Ping("payload " + std::to_string(i));
    return pings;
  }()));
  all.push_back(Good("a_hundred_pings", Repeated(Ping("again"), 100)));
  all.push_back(Good("ping_between_messages", Text("a") + Ping("b") + Text("c")));
  all.push_back(Good("ping_between_fragments", TextPart("a") + Ping("b") + LastPart("c")));
  all.push_back(Good("long_ping_between_fragments",
                     BinaryPart("a") + Ping(std::string(125, '\xff')) + LastPart("c")));
  all.push_back(Good("pings_between_all_fragments", TextPart("a") + Ping("1") + Part("b") +
                                                        Ping("2") + Ping("3") + Part("c") +
                                                        Ping("4") + LastPart("d") + Ping("5")));
  all.push_back(Good("unasked_pong_before_a_ping", Pong("not asked") + Ping("asked")));
  all.push_back(Good("unasked_pong_between_fragments", TextPart("a") + Pong("b") + LastPart("c")));
  all.push_back(Good("pings_and_pongs", Repeated(Ping("a") + Pong("a") + Pong("b"), 5)));
  all.push_back(Bad("unfinished_ping", 1002, Unfinished(kPing, "a")));
  all.push_back(Bad("unfinished_empty_ping", 1002, Unfinished(kPing, "")));
  all.push_back(Bad("unfinished_pong", 1002, Unfinished(kPong, "a")));
  all.push_back(Bad("unfinished_close", 1002, Unfinished(kClose, kAnyPayload)));
  all.push_back(Bad("ping_in_two_fragments", 1002, Unfinished(kPing, "a") + LastPart("b")));
  all.push_back(Bad("pong_in_two_fragments", 1002, Unfinished(kPong, "a") + LastPart("b")));
  all.push_back(Bad("ping_that_ends_in_a_message", 1002,
                    TextPart("a") + Unfinished(kPing, "b") + LastPart("c")));
  return all;
}

std::vector<Case> FragmentCases() {
  std::vector<Case> all;
  all.push_back(Good("text_in_two", TextPart("frag") + LastPart("ments")));
  all.push_back(Good("binary_in_two", BinaryPart("\xff\xfe") + LastPart("\xfd")));
  all.push_back(Good("text_in_three", TextPart("a") + Part("b") + LastPart("c")));
  all.push_back(Good("two_messages_in_fragments",
                     TextPart("a") + LastPart("b") + BinaryPart("c") + LastPart("d")));
  all.push_back(Good("fragments_that_are_empty", TextPart("") + Part("") + LastPart("")));
  all.push_back(
      Good("binary_fragments_that_are_empty", BinaryPart("") + Part("") + Part("") + LastPart("")));
  all.push_back(
      Good("only_the_first_has_payload", TextPart("all of it") + Part("") + LastPart("")));
  all.push_back(
      Good("only_the_middle_has_payload", TextPart("") + Part("all of it") + LastPart("")));
  all.push_back(Good("only_the_last_has_payload", TextPart("") + Part("") + LastPart("all of it")));
  all.push_back(Good("a_byte_a_fragment", Fragments(kText, "one byte in each of them", 1)));
  all.push_back(Good("many_fragments", Fragments(kBinary, std::string(1000, '\x80'), 7)));
  all.push_back(
      Good("empty_fragments_in_between", TextPart("a") + Repeated(Part(""), 20) + LastPart("b")));
  for (const std::size_t size : {125, 126, 65535, 65536}) {
    all.push_back(Good(Named("fragments_of", size),
                       Fragments(kBinary, std::string(2 * size + 1, '#'), size)));
  }
  all.push_back(Good("message_behind_fragments", TextPart("a") + LastPart("b") + Text("c")));
  all.push_back(Good("close_inside_a_message", TextPart("never whole")));
  all.push_back(Good("ping_and_close_inside_a_message", BinaryPart("never whole") + Ping("a")));
  all.push_back(Bad("nothing_to_continue", 1002, LastPart("a")));
  all.push_back(Bad("nothing_to_continue_unfinished", 1002, Part("a")));
  all.push_back(Bad("nothing_to_continue_empty", 1002, LastPart("")));
  all.push_back(Bad("nothing_to_continue_behind_a_message", 1002, Text("fine") + LastPart("a")));
  all.push_back(Bad("nothing_to_continue_behind_fragments", 1002,
                    TextPart("a") + LastPart("b") + LastPart("c")));
  all.push_back(Bad("nothing_to_continue_unfinished_behind_fragments", 1002,
                    BinaryPart("a") + LastPart("b") + Part("c")));
  all.push_back(Bad("nothing_to_continue_behind_a_ping", 1002, Ping("a") + LastPart("b")));
  for (const auto& [first, name] : {std::pair{kText, "text"}, {kBinary, "binary"}}) {
    const std::string begun = Unfinished(first, "begun");
    all.push_back(Bad(std::string("text_inside_") + name, 1002, begun + Text("a")));
    all.push_back(Bad(std::string("binary_inside_") + name, 1002, begun + Binary("a")));
    all.push_back(
        Bad(std::string("text_part_inside_") + name, 1002, begun + TextPart("a") + LastPart("b")));
    all.push_back(Bad(std::string("binary_part_inside_") + name, 1002,
                      begun + BinaryPart("a") + LastPart("b")));
    all.push_back(
        Bad(std::string("text_behind_a_fragment_of_") + name, 1002, begun + Part("a") + Text("b")));
    all.push_back(
        Bad(std::string("text_behind_a_ping_in_") + name, 1002, begun + Ping("a") + Text("b")));
  }
  return all;
}

std::vector<Case> SizeLimitCases() {
  const std::string full(kSmallMessage, '*');
  const std::string more = full + "+";
  const std::string half(kSmallMessage / 2, '*');
  std::vector<Case> all;
  all.push_back(Good("just_fits", Text(full) + Binary(full)));
  all.push_back(
      Good("fits_in_fragments", Fragments(kText, full, 100) + Fragments(kBinary, full, 999)));
  all.push_back(Good("pings_do_not_count",
                     TextPart(half) + Repeated(Ping(std::string(125, 'p')), 10) + LastPart(half)));
  all.push_back(Bad("text_too_big", 1009, Text(more)));
  all.push_back(Bad("binary_too_big", 1009, Binary(more)));
  all.push_back(Bad("too_big_behind_one_that_fits", 1009, Text(full) + Text(more)));
  all.push_back(
      Bad("too_big_in_the_last_fragment", 1009, TextPart(half) + Part(half) + LastPart("+")));
  all.push_back(
      Bad("too_big_in_the_middle", 1009, BinaryPart(half) + Part(half + "+") + LastPart("")));
  all.push_back(Bad("too_big_in_small_fragments", 1009, Fragments(kBinary, more, 10)));
  for (const int bits : {16, 20, 31, 32, 33, 40, 48, 62}) {
    const std::uint64_t length = std::uint64_t{1} << bits;
    all.push_back(
        Bad(Named("claims_two_to_the", bits), 1009, EncodeHeader(Of(kBinary), length) + "data"));
    all.push_back(Bad(Named("fragment_claims_two_to_the", bits), 1009,
                      TextPart("a") + EncodeHeader(Of(kContinuation), length) + "data"));
  }
  all.push_back(
      Bad("claims_the_largest", 1009, EncodeHeader(Of(kText), ~std::uint64_t{0} >> 1) + "data"));
  all.push_back(
      Bad("fragments_that_overflow", 1009,
          TextPart("a") + EncodeHeader(Of(kContinuation), ~std::uint64_t{0} >> 1) + "data"));
  return all;
}

}  // namespace upgate::conformance
