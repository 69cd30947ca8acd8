#include "gateway/base/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "gateway/base/text.h"

namespace upgate {
namespace {

// Objects up to this size compare each name with each.
constexpr std::size_t kFewMembers = 32;

// Characters that stand for themselves in a string and need no check.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

bool IsPlain(char c) {
  return kPlain[static_cast<unsigned char>(c)];
}

bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// The length of the UTF-8 character at `at` (RFC 3629, section 4); 0 if it is invalid or a control
// character. Reads no further than the first byte that does not belong to it.
std::size_t SizeOfCharacter(const char* at) {
  const auto byte = [at](std::size_t i) { return static_cast<unsigned char>(at[i]); };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return lead < 0x20 ? 0 : 1;
  if (lead < 0xc2 || lead > 0xf4 || !continues(1)) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) {
    const bool is_overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool is_surrogate = lead == 0xed && byte(1) > 0x9f;
    return !is_overlong && !is_surrogate && continues(2) ? 3 : 0;
  }
  const bool is_overlong = lead == 0xf0 && byte(1) < 0x90;
  const bool is_too_high = lead == 0xf4 && byte(1) > 0x8f;
  return !is_overlong && !is_too_high && continues(2) && continues(3) ? 4 : 0;
}

char* PutCharacter(std::uint32_t code, char* to) {
  const auto put = [&](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return to;
}

// What the character behind a backslash stands for; 0 if it is none of those.
char Unescaped(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

bool FitsInteger(std::string_view number) {
  const auto fits = [&](auto value) {
    const char* const end = number.data() + number.size();
    return std::from_chars(number.data(), end, value).ec == std::errc{};
  };
  return number.front() == '-' ? fits(std::int64_t{}) : fits(std::uint64_t{});
}

}  // namespace

// Needs no bounds: behind the text stands a NUL, which is nowhere valid in JSON.
class JsonText::Reader {
 public:
  Reader(JsonText& json, Limits limits)
      : json_(json), limits_(limits), begin_(json.text_.data()), at_(begin_) {}

  bool Document() {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (json_.text_.starts_with(kByteOrderMark)) at_ += kByteOrderMark.size();
    if (!Value({}, 1)) return false;
    SkipSpace();
    return at_ == begin_ + json_.text_.size();
  }

 private:
  bool Value(Slice name, std::size_t depth) {
    SkipSpace();
    const std::size_t index = json_.nodes_.size();
    json_.nodes_.push_back({.kind = Kind::kNull, .next = 0, .name = name, .text = {}});
    const bool good = *at_ == '{'   ? Object(index, depth)
                      : *at_ == '[' ? Array(index, depth)
                                    : Primitive(json_.nodes_.back());
    json_.nodes_[index].next = static_cast<std::uint32_t>(json_.nodes_.size());
    return good;
  }
  bool Primitive(Node& node) {
    switch (*at_) {
      case '"':
        node.kind = Kind::kString;
        return String(node.text);
      case 'n':
        return Literal(node, Kind::kNull, "null");
      case 't':
        return Literal(node, Kind::kTrue, "true");
      case 'f':
        return Literal(node, Kind::kFalse, "false");
      default:
        return Number(node);
    }
  }

  bool Object(std::size_t index, std::size_t depth) {
    json_.nodes_[index].kind = Kind::kObject;
    if (!Open(depth)) return false;
    if (Skip('}')) return true;
    std::size_t members = 0;
    do {
      Slice name;
      SkipSpace();
      if (++members > limits_.members || !String(name) || !Skip(':') || !Value(name, depth + 1))
        return false;
    } while (Skip(','));
    return Skip('}') && NamesDiffer(index, members);
  }
  bool Array(std::size_t index, std::size_t depth) {
    json_.nodes_[index].kind = Kind::kArray;
    if (!Open(depth)) return false;
    if (Skip(']')) return true;
    do {
      if (!Value({}, depth + 1)) return false;
    } while (Skip(','));
    return Skip(']');
  }
  bool Open(std::size_t depth) {
    ++at_;
    return depth <= limits_.depth;
  }

  // Whether the names of an object, which has just been read, are all different.
  bool NamesDiffer(std::size_t index, std::size_t members) const {
    const std::vector<Node>& nodes = json_.nodes_;
    if (members > kFewMembers) return ManyNamesDiffer(index, members);
    for (std::size_t i = index + 1; i < nodes.size(); i = nodes[i].next) {
      const std::string_view name = json_.TextOf(nodes[i].name);
      for (std::size_t k = nodes[i].next; k < nodes.size(); k = nodes[k].next) {
        if (json_.TextOf(nodes[k].name) == name) return false;
      }
    }
    return true;
  }
  bool ManyNamesDiffer(std::size_t index, std::size_t members) const {
    std::vector<std::string_view> names;
    names.reserve(members);
    for (std::size_t i = index + 1; i < json_.nodes_.size(); i = json_.nodes_[i].next)
      names.push_back(json_.TextOf(json_.nodes_[i].name));
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) == names.end();
  }

  bool Literal(Node& node, Kind kind, std::string_view word) {
    node.kind = kind;
    node.text = SliceFrom(at_, word.size());
    if (!json_.TextOf(node.text).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  // The grammar of section 6.
  bool Number(Node& node) {
    const char* const begin = at_;
    if (*at_ == '-') ++at_;
    if (*at_ == '0') {
      ++at_;
    } else if (!SkipDigits()) {
      return false;
    }
    bool is_integer = true;
    if (*at_ == '.') {
      is_integer = false;
      ++at_;
      if (!SkipDigits()) return false;
    }
    if (*at_ == 'e' || *at_ == 'E') {
      is_integer = false;
      ++at_;
      if (*at_ == '+' || *at_ == '-') ++at_;
      if (!SkipDigits()) return false;
    }
    node.text = SliceFrom(begin, static_cast<std::size_t>(at_ - begin));
    const std::string_view text = json_.TextOf(node.text);
    if (text == "-0") node.text = SliceFrom(begin + 1, 1);
    node.kind = is_integer && FitsInteger(text) ? Kind::kInteger : Kind::kReal;
    return node.kind == Kind::kInteger || std::isfinite(std::strtod(begin, nullptr));
  }
  // False if there is none.
  bool SkipDigits() {
    if (!IsDigit(*at_)) return false;
    while (IsDigit(*at_)) ++at_;
    return true;
  }

  // Sections 7 and 8.
  bool String(Slice& slice) {
    if (*at_ != '"') return false;
    char* const begin = ++at_;
    while (IsPlain(*at_)) ++at_;
    char* to = at_;  // what is behind an escape moves to the front
    while (*at_ != '"') {
      if (*at_ == '\\') {
        if (!Escape(to)) return false;
        continue;
      }
      std::size_t size = SizeOfCharacter(at_);
      if (size == 0) return false;
      for (; size > 0; --size) *to++ = *at_++;
    }
    ++at_;
    slice = SliceFrom(begin, static_cast<std::size_t>(to - begin));
    return true;
  }
  bool Escape(char*& to) {
    ++at_;
    if (*at_ == 'u') return UnicodeEscape(to);
    const char c = Unescaped(*at_);
    if (c == 0) return false;
    *to++ = c;
    ++at_;
    return true;
  }
  // Two of them for a character beyond U+FFFF.
  bool UnicodeEscape(char*& to) {
    std::uint32_t code = 0;
    if (!HexCode(code)) return false;
    if (code >= 0xdc00 && code <= 0xdfff) return false;
    if (code >= 0xd800 && code <= 0xdbff) {
      std::uint32_t low = 0;
      if (at_[0] != '\\' || at_[1] != 'u') return false;
      ++at_;
      if (!HexCode(low) || low < 0xdc00 || low > 0xdfff) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    to = PutCharacter(code, to);
    return true;
  }
  // From the 'u' on.
  bool HexCode(std::uint32_t& code) {
    for (int i = 0; i < 4; ++i) {
      const char c = ToLower(*++at_);
      if (!IsDigit(c) && (c < 'a' || c > 'f')) return false;
      code = code << 4 | static_cast<std::uint32_t>(IsDigit(c) ? c - '0' : c - 'a' + 10);
    }
    ++at_;
    return true;
  }

  void SkipSpace() {
    while (IsSpace(*at_)) ++at_;
  }
  // With the spaces before it; false if there is something else.
  bool Skip(char c) {
    SkipSpace();
    if (*at_ != c) return false;
    ++at_;
    return true;
  }
  Slice SliceFrom(const char* at, std::size_t size) const {
    return {static_cast<std::uint32_t>(at - begin_), static_cast<std::uint32_t>(size)};
  }

  JsonText& json_;
  const Limits limits_;
  char* const begin_;
  char* at_;
};

std::optional<JsonText> JsonText::Read(std::string text, Limits limits) {
  constexpr std::size_t kLongest = 0xffffffff;
  if (text.size() > kLongest) return {};
  std::optional<JsonText> json(std::in_place);
  json->text_ = std::move(text);
  json->nodes_.reserve(json->text_.size() / 16 + 1);
  if (!Reader(*json, limits).Document()) json.reset();
  return json;
}

// Behind a number stands a character that does not belong to it, or the NUL.
double JsonValue::number() const {
  return std::strtod(text().data(), nullptr);
}

std::optional<JsonValue> JsonValue::Find(std::string_view name) const {
  if (!is_object()) return {};
  for (const JsonValue member : *this) {
    if (member.name() == name) return member;
  }
  return {};
}

}  // namespace upgate
